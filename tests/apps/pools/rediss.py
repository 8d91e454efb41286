"""redis-py with its own pool, with hiredis and without."""

import sys

from .pool import address, known_as


class Way:
    """`where` names the server, or the proxy before it through which long answers come slowly."""

    def __init__(self, name, size, where):
        import redis

        self.name, self.size = name, size
        host, port = address(where)
        self.pool = redis.BlockingConnectionPool(
            host=host, port=port, max_connections=size, timeout=20, client_name=known_as(name),
            decode_responses=True)
        self.client = redis.Redis(connection_pool=self.pool)

    def ask(self, token):
        return self.client.echo(token)

    def before(self, token, seconds):
        found = self.client.blpop([f"nothing-{token}"], timeout=seconds)
        return token if found is None else str(found)

    def within(self, token, seconds):
        # The proxy takes the time; the other one answers at once.
        if self.name != "dribbling":
            return self.before(token, seconds)
        answer = self.client.eval("return string.rep(ARGV[1], ARGV[2])", 0, token, 100_000)
        return token if answer == 100_000 * token else answer[:200]

    def idle(self):
        return self.pool.pool.qsize()

    def at_server(self):
        import redis

        host, port = address("REDIS")
        with redis.Redis(host=host, port=port, decode_responses=True) as client:
            return sum(found["name"] == known_as(self.name) for found in client.client_list())


def ways(is_fast):
    if not is_fast:
        sys.modules["hiredis"] = None  # not installed
    import redis.connection

    assert redis.connection.DefaultParser.__name__.startswith("_Hiredis") == is_fast
    return [Way("one", 1, "REDIS"), Way("three", 3, "REDIS"), Way("dribbling", 1, "REDIS_SLOW")]


REDIS = {"redis_hiredis": lambda: ways(True), "redis_python": lambda: ways(False)}
