"""Django, for the comparison with gunicorn: answers depend on the request and on nothing else."""

import os

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.wsgi import get_wsgi_application
from django.http import (FileResponse, HttpResponse, HttpResponseRedirect, JsonResponse,
                         StreamingHttpResponse)
from django.middleware.gzip import GZipMiddleware
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="for tests only",
                   LOGGING_CONFIG=None,
                   MIDDLEWARE=["django.middleware.common.CommonMiddleware",
                               "django.middleware.gzip.GZipMiddleware",
                               "django.middleware.http.ConditionalGetMiddleware"])
GZipMiddleware.max_random_bytes = 0  # its padding, against BREACH


def index(request):
    return HttpResponse("hello")


def echo(request, rest):
    headers = sorted((name, value) for name, value in request.headers.items() if name != "Host")
    return JsonResponse({"rest": rest, "method": request.method, "args": dict(request.GET),
                         "headers": headers, "body": request.body.hex(), "url": request.path})


def form(request):
    files = {name: [f.name, f.read().hex()] for name, f in request.FILES.items()}
    return JsonResponse({"form": dict(request.POST), "files": files})


def stream(request, count):
    return StreamingHttpResponse((b"x" * number + b"\n" for number in range(count)),
                                 content_type="text/plain")


def size(request, size):
    return HttpResponse(b"0123456789" * (size // 10) + b"x" * (size % 10), content_type="text/plain")


def file(request):
    return FileResponse(open(os.environ["SAME_FILE"], "rb"))


def away(request, code):
    response = HttpResponseRedirect("/?from=here")
    response.status_code = code
    return response


def cookies(request):
    response = JsonResponse(request.COOKIES)
    response.set_cookie("a", "1; 2")
    response.set_cookie("b", "2", httponly=True, samesite="Lax")
    return response


def status(request, code):
    return HttpResponse(status=code)


def fail(request, code):
    raise PermissionDenied


def error(request):
    raise RuntimeError("on purpose")


def late(request):
    def pieces():
        yield b"begun"
        raise RuntimeError("on purpose, late")

    return StreamingHttpResponse(pieces(), content_type="text/plain")


urlpatterns = [
    path("", index), path("echo/<path:rest>", echo), path("form", form),
    path("stream/<int:count>", stream), path("size/<int:size>", size), path("file", file),
    path("redirect/<int:code>", away), path("cookies", cookies), path("status/<int:code>", status),
    path("abort/<int:code>", fail), path("error", error), path("late", late),
]
application = get_wsgi_application()
