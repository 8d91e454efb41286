"""Django in one file."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="for tests only")


def index(request):
    return HttpResponse("Hello from Django")


def echo(request):
    return JsonResponse({"method": request.method, "body": request.body.decode(),
                         "query": request.GET.get("q"), "host": request.get_host()})


def stream(request):
    return StreamingHttpResponse(f"line {number}\n" for number in range(3))


urlpatterns = [path("", index), path("echo", echo), path("stream", stream)]
application = get_wsgi_application()
