"""The same page by Flask."""

from flask import Flask, jsonify

from app import closing_itself

app = Flask(__name__)


@app.get("/")
def hello():
    return jsonify(message="Hello, world!")


def closed(environ, start_response):
    return closing_itself(app(environ, start_response))
