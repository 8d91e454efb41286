"""A page by Django: rows of a table by its ORM, shown by a template."""

import os
import tempfile

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpResponse
from django.template import Context, Template
from django.urls import path

from app import closing_itself

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.path.join(tempfile.mkdtemp(prefix="side_by_side."), "rows.sqlite3"),
        "CONN_MAX_AGE": None,
    }},
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a benchmark",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()


class Row(models.Model):
    number = models.IntegerField()
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "side_by_side"


TEMPLATE = Template("<ul>{% for row in rows %}<li>{{ row.number }} {{ row.name }}</li>{% endfor %}</ul>\n")


def page(request):
    rows = Row.objects.order_by("number")
    return HttpResponse(TEMPLATE.render(Context({"rows": rows})))


urlpatterns = [path("", page)]

with connection.schema_editor() as editor:
    editor.create_model(Row)
for place, word in enumerate(["first", "second", "third"]):
    Row.objects.create(number=place, name=word)
# Each worker opens its own.
connection.close()

app = get_wsgi_application()


def closed(environ, start_response):
    return closing_itself(app(environ, start_response))
