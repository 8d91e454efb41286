"""Django, by its ASGI handler."""

import time

import beside
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.middleware.gzip import GZipMiddleware
from django.urls import include, path, re_path

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for tests only",
    LOGGING_CONFIG=None,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    SESSION_COOKIE_HTTPONLY=True,
    MIDDLEWARE=[
        "django.middleware.common.CommonMiddleware",
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "beside.with_django.Passing",
    ],
)
GZipMiddleware.max_random_bytes = 0  # its padding, against BREACH


class Passing:
    async_capable, sync_capable = True, False

    def __init__(self, get_response):
        from asgiref.sync import markcoroutinefunction

        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request):
        response = await self.get_response(request)
        if "x-ask-middleware" in request.headers:
            response["x-middleware"] = "passed"
        return response

    async def process_exception(self, request, exception):
        if isinstance(exception, beside.Fault):
            return JsonResponse({"fault": "handled"}, status=409)


def text(value, **more):
    return HttpResponse(value, content_type="text/plain", **more)


async def hello(request):
    return text("Hello, world!") if request.method in ("GET", "HEAD", "POST") else HttpResponseNotAllowed(["GET"])


async def echo(request, rest=None):
    return JsonResponse(beside.described(request.scope, request.body))


async def args(request):
    return JsonResponse({key: request.GET.getlist(key) for key in request.GET})


async def item(request, number):
    return JsonResponse({"number": number})


async def count(request):
    return text(str(len(request.read())))


async def json(request):
    if request.method == "GET":
        return JsonResponse({"message": "Hello, world!", "\u00e9": [1, None, 2.5]})
    from json import loads

    try:
        return JsonResponse(loads(request.body), safe=False)
    except ValueError:
        return text("no JSON", status=400)


async def form(request):
    return JsonResponse({key: request.POST.getlist(key) for key in request.POST})


async def upload(request):
    file = request.FILES.get("file")
    if file is None:
        return text("no file", status=400)
    return JsonResponse(beside.measured(file.name, file.read(), request.POST["field"]))


async def cookies(request):
    return JsonResponse(request.COOKIES)


async def set_cookies(request):
    response = text("set")
    response.set_cookie("a", "1; 2")
    response.set_cookie("b", "2", httponly=True, samesite="Lax", max_age=60)
    response.delete_cookie("c")
    return response


async def fields(request):
    return text("fields", headers={"X-One": "1", "x-empty": "", "X-Latin": "caf\u00e9"})


async def empty(request):
    return HttpResponse()


async def large(request):
    return HttpResponse(beside.LARGE)


async def status(request, status):
    return HttpResponse(status=status)


async def redirect(request):
    return HttpResponseRedirect("/hello?from=\u00e9")


def streaming(pieces, **more):
    async def stream(request):
        return StreamingHttpResponse(pieces(), content_type="text/plain", **more)

    return stream


async def events(request):
    return StreamingHttpResponse(beside.events(), content_type="text/event-stream")


async def file(request):
    return FileResponse(open(beside.FILE, "rb"), content_type="text/plain")


async def zipped(request):
    return text(beside.ZIPPED)


async def refuse(request):
    response = text("a teapot", status=418)
    response["x-why"] = "tea"
    return response



async def fail(request):
    raise ValueError("on purpose")


async def fault(request):
    raise beside.Fault


async def longer(request):
    return HttpResponse(b"abcdef", headers={"content-length": "3"})


async def shorter(request):
    return HttpResponse(b"abcdef", headers={"content-length": "9"})


def synchronous(request):
    time.sleep(0.01)
    return text("synchronous")


async def wait_for_disconnect(request):
    await beside.until_cancelled()


async def session(request):
    if "set" in request.GET:
        await request.session.aset("number", request.GET["set"])
    return text(str(await request.session.aget("number")))


async def context(request):
    return text(await beside.in_context(request.META["QUERY_STRING"]))


async def task(request):
    return text(await beside.task())


async def timeout(request):
    return text(await beside.timeout())


async def seen(request, key):
    return text(beside.seen(key))


mounted = [path("", hello), path("echo", echo)]
urlpatterns = [
    path("hello", hello),
    path("hello_by_post", hello),
    path("purge", echo),
    path("echo", echo),
    re_path("^echo/(?P<rest>.*)$", echo),
    path("args", args),
    path("items/<int:number>", item),
    path("count", count),
    path("json", json),
    path("form", form),
    path("upload", upload),
    path("cookies", cookies),
    path("set_cookies", set_cookies),
    path("fields", fields),
    path("empty", empty),
    path("large", large),
    path("status/<int:status>", status),
    path("redirect", redirect),
    path("stream", streaming(beside.pieces)),
    path("stream_with_length", streaming(beside.pieces, headers={"content-length": "24"})),
    path("long_stream", streaming(beside.long_pieces)),
    path("empty_stream", streaming(beside.nothing)),
    path("endless", streaming(beside.endless)),
    path("fail_in_first_piece", streaming(beside.failing_first)),
    path("fail_late", streaming(beside.failing_late)),
    path("events", events),
    path("file", file),
    path("zipped", zipped),
    path("refuse", refuse),
    path("fail", fail),
    path("fault", fault),
    path("longer", longer),
    path("shorter", shorter),
    path("synchronous", synchronous),
    path("wait_for_disconnect", wait_for_disconnect),
    path("session", session),
    path("context", context),
    path("task", task),
    path("timeout", timeout),
    path("seen/<str:key>", seen),
    path("mounted/", include(mounted)),
]
app = get_asgi_application()
