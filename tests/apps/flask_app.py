"""A small Flask application that uses a bit of everything."""

from flask import Flask, Response, jsonify, request, session, stream_with_context

app = Flask(__name__)
app.secret_key = "for tests only"


@app.get("/")
def index():
    return "Hello from Flask"


@app.post("/form")
def form():
    return jsonify(name=request.form["name"], file=request.files["file"].read().decode())


@app.post("/json")
def doubled():
    return jsonify(number=request.get_json()["number"] * 2)


@app.get("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.get("/stream")
def stream():
    def lines():
        for number in range(3):
            yield f"{request.args['word']} {number}\n"

    return Response(stream_with_context(lines()), mimetype="text/plain")


@app.get("/error")
def error():
    raise RuntimeError("raised by a Flask view")
