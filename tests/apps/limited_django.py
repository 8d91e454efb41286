"""Django before a database role that bears 100 connections."""

import os

import psycopg2
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponse
from django.urls import path

with psycopg2.connect(os.environ["DATABASE_URL"]) as owner, owner.cursor() as cursor:
    cursor.execute("SELECT pg_advisory_xact_lock(100)")
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'limited'")
    if not cursor.fetchone():
        cursor.execute("CREATE ROLE limited LOGIN CONNECTION LIMIT 100")
owner.close()

place = psycopg2.extensions.parse_dsn(os.environ["DATABASE_URL"])
database = {"ENGINE": "django.db.backends.postgresql", "NAME": place["dbname"], "USER": "limited",
            "HOST": place["host"], "PORT": place["port"],
            "CONN_MAX_AGE": int(os.environ["CONN_MAX_AGE"])}
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="for tests only",
                   DATABASES={"default": database})


def query(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1)")
    return HttpResponse("done")


urlpatterns = [path("", query)]
application = get_wsgi_application()
