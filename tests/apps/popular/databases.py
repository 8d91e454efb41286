"""Databases: drivers of C with callbacks, and pools."""

import os

from .view import check, fails, library


def address(name):
    host, port = os.environ[name].split(":")
    return {"host": host, "port": int(port)}


@library
def sqlite3():
    import sqlite3 as driver

    def view(token, rest):
        connection = driver.connect(":memory:")

        def twice(number):
            rest()
            return 2 * number

        def backwards(one, other):
            rest()
            return (one < other) - (one > other)

        connection.create_function("twice", 1, twice)
        connection.create_collation("backwards", backwards)
        connection.execute("create table numbers (number integer, name text)")
        connection.executemany("insert into numbers values (?, ?)",
                               [(int(token) + number, f"{number}") for number in range(8)])
        query = "select twice(number), name from numbers order by name collate backwards"
        check(connection.execute(query).fetchall(),
              [(2 * (int(token) + number), f"{number}") for number in range(7, -1, -1)])
        wrong = fails(driver.OperationalError, connection.execute, f"select * from missing_{token}")
        check(f"missing_{token}" in wrong, True)
        connection.close()

    return view


@library
def apsw():
    import apsw as driver

    def view(token, rest):
        def twice(number):
            rest()
            return 2 * number

        connection = driver.Connection(":memory:")
        connection.create_scalar_function("twice", twice)
        rows = connection.execute(
            "with recursive n(i) as (select 0 union all select i + 1 from n where i < 7) "
            "select twice(i + ?) from n", (int(token),)).fetchall()
        check(rows, [(2 * (int(token) + number),) for number in range(8)])
        wrong = fails(driver.SQLError, connection.execute, f"select * from missing_{token}")
        check(f"missing_{token}" in wrong, True)
        connection.close()

    return view


@library
def psycopg2():
    from psycopg2 import errors
    from psycopg2.pool import ThreadedConnectionPool

    pool = ThreadedConnectionPool(0, 64, os.environ["DATABASE_URL"])

    def view(token, rest):
        connection = pool.getconn()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("select %s, pg_sleep(%s)", (token, rest.seconds))
                check(cursor.fetchone()[0], token)
            with connection.cursor() as cursor:
                wrong = fails(errors.UndefinedTable, cursor.execute, f"select * from m_{token}")
                check(f"m_{token}" in wrong, True)
            connection.rollback()
        finally:
            pool.putconn(connection)

    return view


@library
def psycopg():
    import psycopg
    from psycopg_pool import ConnectionPool

    check(psycopg.pq.__impl__, "binary")
    pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=0, max_size=8, open=True)

    def view(token, rest):
        with pool.connection() as connection:
            connection.execute("select pg_sleep(%s)", (rest.seconds,))
            rows = connection.execute("select %s || i from generate_series(1, 20) i", (token,))
            check([row[0] for row in rows], [f"{token}{number}" for number in range(1, 21)])
            with connection.cursor() as cursor, cursor.copy(
                    "copy (select i, %s from generate_series(1, 9) i) to stdout", (token,)) as copy:
                check([tuple(row) for row in copy.rows()],
                      [(f"{number}", token) for number in range(1, 10)])

    return view


def asking_mariadb(driver, question):
    """A view of a driver, whose question has its own placeholders."""
    def view(token, rest):
        connection = driver.connect(**address("MARIADB"), user="anybody")
        try:
            with connection.cursor() as cursor:
                cursor.execute(question, (rest.seconds, token))
                check(cursor.fetchone()[1], token)
                wrong = fails(driver.Error, cursor.execute, f"select missing_{token}")
                check(f"missing_{token}" in wrong, True)
        finally:
            connection.close()

    return view


@library
def mysqlclient():
    import MySQLdb

    return asking_mariadb(MySQLdb, "select sleep(%s), %s")


@library
def mariadb():
    import mariadb as driver

    return asking_mariadb(driver, "select sleep(?), ?")


@library
def sqlalchemy():
    import sqlalchemy as alchemy

    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://", 1)
    engine = alchemy.create_engine(url, pool_size=4, max_overflow=4)
    query = alchemy.text("select cast(:token as text), pg_sleep(:seconds)")

    def view(token, rest):
        with engine.begin() as connection:
            row = connection.execute(query, {"token": token, "seconds": rest.seconds}).one()
            check(row[0], token)

    return view


@library
def redis():
    import hiredis  # noqa: F401
    import redis as driver

    client = driver.Redis(**address("REDIS"), decode_responses=True)

    def view(token, rest):
        client.set(f"popular-{token}", token, ex=60)
        check(client.blpop([f"list-{token}"], timeout=max(rest.seconds, 0.01)), None)
        with client.pipeline() as pipe:
            pipe.get(f"popular-{token}").delete(f"popular-{token}").echo(token)
            check(pipe.execute(), [token, 1, token])

    return view
