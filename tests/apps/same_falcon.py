"""Falcon, for the comparison with gunicorn: answers depend on the request and on nothing else."""

import os

import falcon


class Index:
    def on_get(self, req, resp):
        resp.text = "hello"


class Echo:
    def on_get(self, req, resp, rest):
        headers = sorted((name, value) for name, value in req.headers.items() if name != "HOST")
        resp.media = {"rest": rest, "method": req.method, "args": req.params, "headers": headers,
                      "body": req.bounded_stream.read().hex(), "url": req.path}

    on_post = on_put = on_patch = on_delete = on_get


class Form:
    def on_post(self, req, resp):
        resp.media = [[part.name, part.filename, part.stream.read().hex()] for part in req.get_media()]


class Stream:
    def on_get(self, req, resp, count):
        resp.content_type = "text/plain"
        resp.stream = (b"x" * number + b"\n" for number in range(count))


class Size:
    def on_get(self, req, resp, size):
        resp.content_type = "text/plain"
        resp.data = b"0123456789" * (size // 10) + b"x" * (size % 10)


class File:
    def on_get(self, req, resp):
        path = os.environ["SAME_FILE"]
        resp.content_type = "application/octet-stream"
        resp.set_stream(open(path, "rb"), os.path.getsize(path))


class Redirect:
    def on_get(self, req, resp, code):
        raise falcon.HTTPStatus(code, headers={"Location": "/?from=here"})


class Cookies:
    def on_get(self, req, resp):
        resp.media = req.cookies
        resp.set_cookie("a", "1")
        resp.set_cookie("b", "2", http_only=True, same_site="Lax")


class Status:
    def on_get(self, req, resp, code):
        resp.status = code

    on_post = on_put = on_patch = on_delete = on_get


class Fail:
    def on_get(self, req, resp, code):
        raise falcon.HTTPError(code, title="on purpose")


class Error:
    def on_get(self, req, resp):
        raise RuntimeError("on purpose")


class Late:
    def on_get(self, req, resp):
        def pieces():
            yield b"begun"
            raise RuntimeError("on purpose, late")

        resp.content_type = "text/plain"
        resp.stream = pieces()


application = falcon.App()
for route, resource in {
    "/": Index(), "/echo/{rest:path}": Echo(), "/form": Form(), "/stream/{count:int}": Stream(),
    "/size/{size:int}": Size(), "/file": File(), "/redirect/{code:int}": Redirect(),
    "/cookies": Cookies(), "/status/{code:int}": Status(), "/abort/{code:int}": Fail(),
    "/error": Error(), "/late": Late(),
}.items():
    application.add_route(route, resource)
