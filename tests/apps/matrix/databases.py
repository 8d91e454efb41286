"""Drivers, in C and in Python."""

import os

from .view import view


def address(name):
    host, port = os.environ[name].split(":")
    return host, int(port)


@view
def with_psycopg2(token, seconds):
    import psycopg2

    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select pg_sleep(%s), %s", (seconds, token))
            return cursor.fetchone()[1]
    finally:
        connection.close()


@view
def with_psycopg3(token, seconds):
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return connection.execute("select pg_sleep(%s), %s::text", (seconds, token)).fetchone()[1]


@view
def with_pymysql(token, seconds):
    import pymysql

    host, port = address("MARIADB")
    # Without TLS: its context costs 20 ms of reading certificates each time.
    connection = pymysql.connect(host=host, port=port, user="anybody", ssl_disabled=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("select sleep(%s), %s", (seconds, token))
        return cursor.fetchone()[1]


@view
def with_redis(token, seconds):
    import redis

    host, port = address("REDIS")
    with redis.Redis(host=host, port=port, decode_responses=True) as client:
        if client.blpop([f"list-{token}"], timeout=seconds) is not None:
            return "a stranger's item"
        client.rpush(f"list-{token}", token)
        return client.blpop([f"list-{token}"], timeout=20)[1]


@view
def with_pymemcache(token, seconds):
    from pymemcache.client.base import Client

    # Half a second for each of the two, on the way (tests/upstream_proxy.py).
    client = Client(address("MEMCACHED"), timeout=20)
    try:
        client.set(f"key-{token}", token, noreply=False)
        return client.get(f"key-{token}").decode()
    finally:
        client.close()
