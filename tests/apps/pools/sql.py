"""Drivers of databases: autocommit, transactions, prepared statements, cursors on the server."""

import os

from .pool import Pool, address, known_as, one


class Postgres:
    ASK = "select %(token)s::text"
    BEFORE = "select %(token)s::text, pg_sleep(%(seconds)s)"
    WITHIN = ("select %(token)s::text, repeat('x', 20000), pg_sleep(%(seconds)s / 40.0)"
              " from generate_series(1, 40)")

    @staticmethod
    def count(name):
        import psycopg2

        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "select count(*) from pg_stat_activity where application_name = %s", (name,))
                return cursor.fetchone()[0]
        finally:
            connection.close()


class MariaDB:
    ASK = "select %(token)s"
    BEFORE = "select %(token)s, sleep(%(seconds)s)"
    WITHIN = ("with recursive numbers(i) as (select 1 union all select i + 1 from numbers where i < 40)"
              " select %(token)s, repeat('x', 20000), sleep(%(seconds)s / 40.0) from numbers")

    @staticmethod
    def count(name):
        # Each pool comes as a user of its own.
        with pymysql_connect("counting") as connection, connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from information_schema.processlist where user = %s", (name,))
            return cursor.fetchone()[0]


class Way:
    """A pool of DB-API connections; `run` asks one of them."""

    def __init__(self, name, dialect, pool, run):
        self.name, self.dialect, self.pool, self.run = name, dialect, pool, run
        self.size, self.idle = pool.size, pool.idle

    def ask(self, token):
        return self.query(self.dialect.ASK, token=token)

    def before(self, token, seconds):
        return self.query(self.dialect.BEFORE, token=token, seconds=seconds)

    def within(self, token, seconds):
        return self.query(self.dialect.WITHIN, token=token, seconds=seconds)

    def query(self, query, **parameters):
        with self.pool.connection() as connection:
            return one(row[0] for row in self.run(connection, query, parameters))

    def at_server(self):
        return self.dialect.count(known_as(self.name))


def plainly(connection, query, parameters):
    cursor = connection.cursor()
    try:
        cursor.execute(query, parameters)
        return cursor.fetchall()
    finally:
        cursor.close()


def in_transaction(connection, query, parameters):
    try:
        rows = plainly(connection, query, parameters)
        connection.commit()
        return rows
    except BaseException:
        connection.rollback()
        raise


# psycopg2


def psycopg2_pool(name, size=1, autocommit=True, prepare=False):
    import psycopg2

    def connect():
        connection = psycopg2.connect(os.environ["DATABASE_URL"], application_name=known_as(name))
        connection.autocommit = autocommit
        if prepare:
            with connection.cursor() as cursor:
                cursor.execute("prepare question(text, float8) as select $1, pg_sleep($2)")
        return connection

    return Pool(size, connect, lambda connection: not connection.closed)


class Psycopg2Own:
    """psycopg2's own pool, with a semaphore in front, because it does not wait."""

    def __init__(self, name, size):
        import threading

        from psycopg2.pool import ThreadedConnectionPool

        self.size = size
        self.permits = threading.Semaphore(size)
        self.own = ThreadedConnectionPool(
            size, size, os.environ["DATABASE_URL"], application_name=known_as(name))

    def connection(self):
        import contextlib

        @contextlib.contextmanager
        def borrow():
            with self.permits:
                connection = self.own.getconn()
                try:
                    yield connection
                finally:
                    self.own.putconn(connection)

        return borrow()

    def idle(self):
        return self.size - len(self.own._used)


def prepared(connection, query, parameters):
    if "from" in query:
        return plainly(connection, query, parameters)
    parameters = {"seconds": 0.0, **parameters}
    return plainly(connection, "execute question(%(token)s, %(seconds)s)", parameters)


def from_server_cursor(connection, query, parameters):
    with connection, connection.cursor("rows") as cursor:
        cursor.itersize = 5
        cursor.execute(query, parameters)
        return list(cursor)


def psycopg2_ways():
    return [
        Way("autocommit", Postgres, psycopg2_pool("autocommit"), plainly),
        Way("three", Postgres, psycopg2_pool("three", 3), plainly),
        Way("transaction", Postgres, psycopg2_pool("transaction", autocommit=False), in_transaction),
        Way("prepared", Postgres, psycopg2_pool("prepared", prepare=True), prepared),
        Way("server-cursor", Postgres, psycopg2_pool("server-cursor", autocommit=False),
            from_server_cursor),
        Way("own", Postgres, Psycopg2Own("own", 1), in_transaction),
    ]


# psycopg 3, whichever implementation PSYCOPG_IMPL names


def is_idle(connection):
    import psycopg

    idle = psycopg.pq.TransactionStatus.IDLE
    return not connection.closed and connection.info.transaction_status == idle


def psycopg3_pool(name, size=1, autocommit=True):
    import psycopg

    def connect():
        return psycopg.connect(
            os.environ["DATABASE_URL"], application_name=known_as(name), autocommit=autocommit)

    return Pool(size, connect, is_idle)


class Psycopg3Own:
    """psycopg's own pool; its threads replace connections. With a semaphore in front: who leaves its
    queue by a BaseException is given a connection all the same, which is lost then (psycopg_pool 3,
    `WaitingClient`)."""

    def __init__(self, name, size):
        import threading

        from psycopg_pool import ConnectionPool

        self.size = size
        self.permits = threading.Semaphore(size)
        self.own = ConnectionPool(
            os.environ["DATABASE_URL"], kwargs={"application_name": known_as(name), "autocommit": True},
            min_size=size, max_size=size, open=True)

    def connection(self):
        import contextlib

        @contextlib.contextmanager
        def borrow():
            with self.permits, self.own.connection() as connection:
                yield connection

        return borrow()

    def idle(self):
        return self.own.get_stats()["pool_available"]


def in_block(connection, query, parameters):
    with connection.transaction():
        return plainly(connection, query, parameters)


def always_prepared(connection, query, parameters):
    with connection.cursor() as cursor:
        return cursor.execute(query, parameters, prepare=True).fetchall()


def streamed(connection, query, parameters):
    with connection.cursor() as cursor:
        return list(cursor.stream(query, parameters))


def in_pipeline(connection, query, parameters):
    with connection.pipeline():
        return plainly(connection, query, parameters)


def psycopg3_ways():
    import psycopg

    wanted = os.environ["PSYCOPG_IMPL"]
    assert psycopg.pq.__impl__ == wanted, psycopg.pq.__impl__
    return [
        Way("autocommit", Postgres, psycopg3_pool("autocommit"), plainly),
        Way("three", Postgres, psycopg3_pool("three", 3), plainly),
        Way("transaction", Postgres, psycopg3_pool("transaction", autocommit=False), in_transaction),
        Way("block", Postgres, psycopg3_pool("block"), in_block),
        Way("prepared", Postgres, psycopg3_pool("prepared"), always_prepared),
        Way("streamed", Postgres, psycopg3_pool("streamed"), streamed),
        Way("pipeline", Postgres, psycopg3_pool("pipeline"), in_pipeline),
        Way("own", Postgres, Psycopg3Own("own", 1), plainly),
        Way("own-three", Postgres, Psycopg3Own("own-three", 3), plainly),
    ]


# Drivers of MariaDB


def answers_ping(connection):
    try:
        connection.ping()
        return True
    except Exception:
        return False


def pymysql_connect(user, **options):
    import pymysql

    host, port = address("MARIADB")
    # Without TLS: its context costs 20 ms of reading certificates each time.
    return pymysql.connect(
        host=host, port=port, user=user, ssl_disabled=True, autocommit=True, **options)


def pymysql_pool(name, size=1, **options):
    def is_usable(connection):
        try:
            connection.ping(reconnect=False)
            return True
        except Exception:
            return False

    return Pool(size, lambda: pymysql_connect(known_as(name), **options), is_usable)


def pymysql_ways():
    import pymysql.cursors

    pool = pymysql_pool
    unbuffered = pymysql.cursors.SSCursor
    return [
        Way("autocommit", MariaDB, pool("autocommit"), plainly),
        Way("three", MariaDB, pool("three", 3), plainly),
        Way("transaction", MariaDB, pool("transaction"), in_transaction),
        Way("unbuffered", MariaDB, pool("unbuffered", cursorclass=unbuffered), plainly),
    ]


def mysqlclient_ways():
    import MySQLdb
    import MySQLdb.cursors

    def pool(name, size=1, **options):
        def connect():
            host, port = address("MARIADB")
            return MySQLdb.connect(host=host, port=port, user=known_as(name), autocommit=True, **options)

        return Pool(size, connect, answers_ping)

    unbuffered = MySQLdb.cursors.SSCursor
    return [
        Way("autocommit", MariaDB, pool("autocommit"), plainly),
        Way("three", MariaDB, pool("three", 3), plainly),
        Way("transaction", MariaDB, pool("transaction"), in_transaction),
        Way("unbuffered", MariaDB, pool("unbuffered", cursorclass=unbuffered), plainly),
    ]


def mariadb_ways():
    import mariadb

    def pool(name, size=1):
        def connect():
            host, port = address("MARIADB")
            return mariadb.connect(host=host, port=port, user=known_as(name), autocommit=True)

        return Pool(size, connect, answers_ping)

    def always_prepared(connection, query, parameters):
        with connection.cursor(prepared=True) as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def unbuffered(connection, query, parameters):
        with connection.cursor(buffered=False) as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    return [
        Way("autocommit", MariaDB, pool("autocommit"), plainly),
        Way("three", MariaDB, pool("three", 3), plainly),
        Way("transaction", MariaDB, pool("transaction"), in_transaction),
        Way("prepared", MariaDB, pool("prepared"), always_prepared),
        Way("unbuffered", MariaDB, pool("unbuffered"), unbuffered),
    ]


# SQLAlchemy's pool


class Engine:
    def __init__(self, url, size, **options):
        import sqlalchemy

        self.size = size
        self.own = sqlalchemy.create_engine(
            url, poolclass=sqlalchemy.QueuePool, pool_size=size, max_overflow=0, pool_timeout=20,
            connect_args=options)
        self.connection = self.own.connect

    def idle(self):
        return self.size - self.own.pool.checkedout()


def by_alchemy(connection, query, parameters):
    return connection.exec_driver_sql(query, parameters).fetchall()


def sqlalchemy_psycopg2_ways():
    url = os.environ["DATABASE_URL"].replace("postgresql", "postgresql+psycopg2", 1)
    return [Way(name, Postgres, Engine(url, size, application_name=known_as(name)), by_alchemy)
            for name, size in (("one", 1), ("three", 3))]


def sqlalchemy_pymysql_ways():
    return [Way(name, MariaDB, Engine(f"mysql+pymysql://{known_as(name)}@{os.environ['MARIADB']}/", size,
                                      ssl_disabled=True), by_alchemy)
            for name, size in (("one", 1), ("three", 3))]


SQL = {
    "psycopg2": psycopg2_ways,
    "psycopg3_c": psycopg3_ways,
    "psycopg3_python": psycopg3_ways,
    "pymysql": pymysql_ways,
    "mysqlclient": mysqlclient_ways,
    "mariadb": mariadb_ways,
    "sqlalchemy_psycopg2": sqlalchemy_psycopg2_ways,
    "sqlalchemy_pymysql": sqlalchemy_pymysql_ways,
}
