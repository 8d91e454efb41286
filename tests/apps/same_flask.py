"""Flask, for the comparison with gunicorn: answers depend on the request and on nothing else."""

import os

from flask import Flask, Response, abort, jsonify, redirect, request, send_file

app = Flask(__name__)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@app.route("/")
def index():
    return "hello"


@app.route("/echo/<path:rest>", methods=METHODS)
def echo(rest):
    headers = sorted((name, value) for name, value in request.headers if name != "Host")
    return jsonify(rest=rest, method=request.method, args=request.args.to_dict(flat=False),
                   headers=headers, body=request.get_data().hex(), url=request.path)


@app.route("/form", methods=["POST"])
def form():
    files = {name: [f.filename, f.read().hex()] for name, f in request.files.items()}
    return jsonify(form=request.form.to_dict(flat=False), files=files)


@app.route("/stream/<int:count>")
def stream(count):
    return Response((b"x" * number + b"\n" for number in range(count)), mimetype="text/plain")


@app.route("/size/<int:size>")
def size(size):
    return Response(b"0123456789" * (size // 10) + b"x" * (size % 10), mimetype="text/plain")


@app.route("/file")
def file():
    path = os.environ["SAME_FILE"]
    return send_file(path, mimetype="application/octet-stream", conditional=True)


@app.route("/redirect/<int:code>")
def away(code):
    return redirect("/?from=here", code)


@app.route("/cookies")
def cookies():
    response = jsonify(request.cookies)
    response.set_cookie("a", "1; 2")
    response.set_cookie("b", "\N{SNOWMAN}", httponly=True, samesite="Lax")
    return response


@app.route("/status/<int:code>", methods=METHODS)
def status(code):
    return Response(status=code)


@app.route("/abort/<int:code>")
def fail(code):
    abort(code)


@app.route("/error")
def error():
    raise RuntimeError("on purpose")


@app.route("/late")
def late():
    def pieces():
        yield b"begun"
        raise RuntimeError("on purpose, late")

    return Response(pieces(), mimetype="text/plain")
