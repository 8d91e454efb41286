"""Quart."""

import asyncio
import time

import beside
from quart import (
    Blueprint,
    Quart,
    Response,
    abort,
    jsonify,
    make_response,
    redirect,
    request,
    send_file,
    session,
    websocket,
)

app = Quart(__name__)
app.secret_key = "for tests only"
app.config["MAX_CONTENT_LENGTH"] = 1 << 26
mounted = Blueprint("mounted", __name__, url_prefix="/mounted")


def plain(text, **more):
    return Response(text, content_type="text/plain", **more)


@app.before_serving
async def start():
    app.word = "of the start"


@app.after_request
async def passing(response):
    if "x-ask-middleware" in request.headers:
        response.headers["x-middleware"] = "passed"
    return response


@app.errorhandler(beside.Fault)
async def handle(fault):
    return jsonify(fault="handled"), 409


@mounted.get("/")
@app.get("/hello")
async def hello():
    return "Hello, world!"


@app.post("/hello_by_post")
async def hello_by_post():
    return "Hello, world!"


@app.route("/purge", methods=["PURGE"])
@app.route("/echo/<path:rest>", methods=beside.METHODS)
@app.route("/echo", methods=beside.METHODS)
@mounted.get("/echo")
async def echo(rest=None):
    return beside.described(request.scope, await request.get_data())


@app.get("/args")
async def args():
    return list(request.args.items(multi=True))


@app.get("/items/<int:number>")
async def item(number):
    return {"number": number}


@app.route("/count", methods=["GET", "POST"])
async def count():
    length = 0
    async for piece in request.body:
        length += len(piece)
    return str(length)


@app.get("/json")
async def json():
    return {"message": "Hello, world!", "\u00e9": [1, None, 2.5]}


@app.post("/json")
async def json_taken():
    return jsonify(await request.get_json())


@app.post("/form")
async def form():
    return list((await request.form).items(multi=True))


@app.post("/upload")
async def upload():
    file, fields = (await request.files)["file"], await request.form
    return beside.measured(file.filename, file.read(), fields["field"])


@app.get("/cookies")
async def cookies():
    return dict(request.cookies)


@app.get("/set_cookies")
async def set_cookies():
    response = plain("set")
    response.set_cookie("a", "1; 2")
    response.set_cookie("b", "2", httponly=True, samesite="Lax", max_age=60)
    response.delete_cookie("c")
    return response


@app.get("/fields")
async def fields():
    response = plain("fields")
    response.headers["X-One"] = "1"
    response.headers["X-Latin"] = "caf\u00e9"
    response.headers["x-empty"] = ""
    response.headers.add("x-one", "2")
    return response


@app.get("/empty")
async def empty():
    return ""


@app.get("/large")
async def large():
    return Response(beside.LARGE)


@app.get("/status/<int:status>")
async def status(status):
    return "", status


@app.get("/redirect")
async def away():
    return redirect("/hello?from=\u00e9")


@app.get("/stream")
async def stream():
    return beside.pieces(), {"content-type": "text/plain"}


@app.get("/stream_with_length")
async def stream_with_length():
    return beside.pieces(), {"content-length": "24"}


@app.get("/long_stream")
async def long_stream():
    return beside.long_pieces(), {"content-type": "text/plain"}


@app.get("/empty_stream")
async def empty_stream():
    return beside.nothing()


@app.get("/events")
async def events():
    response = await make_response(beside.events(), {"content-type": "text/event-stream"})
    response.timeout = None
    return response


@app.get("/file")
async def file():
    return await send_file(beside.FILE, mimetype="text/plain", conditional=True)


@app.get("/refuse")
async def refuse():
    abort(418)


@app.get("/fail")
async def fail():
    raise ValueError("on purpose")


@app.get("/fault")
async def fault():
    raise beside.Fault


@app.get("/fail_in_first_piece")
async def fail_in_first_piece():
    return beside.failing_first()


@app.get("/fail_late")
async def fail_late():
    return beside.failing_late()


@app.get("/longer")
async def longer():
    response = Response(b"abcdef")
    response.headers["content-length"] = "3"
    return response


@app.get("/shorter")
async def shorter():
    response = Response(b"abcdef")
    response.headers["content-length"] = "9"
    return response


@app.get("/synchronous")
def synchronous():
    time.sleep(0.01)
    return "synchronous"


@app.get("/background")
async def background():
    app.add_background_task(beside.background)
    return "later"


@app.get("/failing_background")
async def failing_background():
    app.add_background_task(beside.failing_background)
    return "later"


@app.get("/endless")
async def endless():
    return beside.endless()


@app.get("/wait_for_disconnect")
async def wait_for_disconnect():
    await beside.until_cancelled()
    return ""


@app.post("/cut_off")
async def cut_off():
    await beside.cut_off(request.get_data)
    return ""


@app.get("/state")
async def state():
    return f"{app.word} {request.scope['state']}"


@app.get("/session")
async def kept():
    if "set" in request.args:
        session["number"] = request.args["set"]
    return str(session.get("number"))


@app.get("/context")
async def context():
    return await beside.in_context(request.query_string.decode())


@app.get("/task")
async def task():
    return await beside.task()


@app.get("/timeout")
async def timeout():
    return await beside.timeout()


@app.get("/seen/<key>")
async def seen(key):
    return beside.seen(key)


@app.websocket("/ws/echo")
async def websocket_echo():
    try:
        while True:
            await websocket.send(await websocket.receive())
    except asyncio.CancelledError:
        beside.note(f"websocket_{websocket.query_string.decode()}", "cancelled")
        raise


@app.websocket("/ws/chat")
async def websocket_chat():
    await websocket.accept({"x-one": "1"}, "chat")
    await websocket.receive()


@app.websocket("/ws/scope")
async def websocket_scope():
    await websocket.send_json(beside.websocket_described(websocket.scope))


@app.websocket("/ws/refuse")
async def websocket_refuse():
    abort(403)


@app.websocket("/ws/deny")
async def websocket_deny():
    return "denied", 418


@app.websocket("/ws/close")
async def websocket_close():
    await websocket.accept()
    await websocket.close(4002, "enough")


@app.websocket("/ws/fail")
async def websocket_fail():
    raise ValueError("on purpose")


@app.websocket("/ws/fail_late")
async def websocket_fail_late():
    await websocket.accept()
    raise ValueError("on purpose")


app.register_blueprint(mounted)
