"""Clients of HTTP with their own pools, and pycurl, whose handles are reused."""

import io
import os
import urllib.request

from .pool import Pool, known_as

TIMES = 1000


class Way:
    """`get` returns the body at an address; tests/upstream.py is at the other end."""

    upstream = "UPSTREAM"

    def __init__(self, name, size=1):
        self.name, self.size = name, size
        self.make()

    def question(self, token, seconds, is_within=0):
        body = self.get(f"{os.environ[self.upstream]}?pool={known_as(self.name)}&token={token}&for={seconds}"
                        f"&times={TIMES}&within={is_within}").decode()
        return token if body == TIMES * token else body[:200]

    def ask(self, token):
        return self.question(token, 0)

    def before(self, token, seconds):
        return self.question(token, seconds)

    def within(self, token, seconds):
        return self.question(token, seconds, 1)

    def at_server(self):
        url = f"{os.environ['UPSTREAM']}connections?pool={known_as(self.name)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read().decode()


class Requests(Way):
    def make(self):
        import requests

        self.session = requests.Session()
        self.adapter = requests.adapters.HTTPAdapter(
            pool_connections=1, pool_maxsize=self.size, pool_block=True)
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, self.adapter)

    def get(self, url):
        return self.session.get(url, timeout=20, verify=os.environ["UPSTREAM_CA"]).content

    def idle(self):
        return urllib3_idle(self.adapter.poolmanager, self.size)


class RequestsTls(Requests):
    upstream = "UPSTREAM_TLS"


class Urllib3(Way):
    def make(self):
        import urllib3

        self.manager = urllib3.PoolManager(num_pools=1, maxsize=self.size, block=True)

    def get(self, url):
        return self.manager.request("GET", url, timeout=20, retries=False).data

    def idle(self):
        return urllib3_idle(self.manager, self.size)


def urllib3_idle(manager, size):
    # One pool, of one server, once somebody has asked.
    return sum([manager.pools.get(key).pool.qsize() for key in manager.pools.keys()] or [size])


class Httpx(Way):
    def make(self):
        import httpx

        self.client = httpx.Client(timeout=20, limits=httpx.Limits(
            max_connections=self.size, max_keepalive_connections=self.size))

    def get(self, url):
        return self.client.get(url).content

    def idle(self):
        connections = self.client._transport._pool.connections
        return self.size - sum(not connection.is_idle() for connection in connections)


class Pycurl(Way):
    def make(self):
        import pycurl

        self.pool = Pool(self.size, pycurl.Curl, lambda handle: True)
        self.idle = self.pool.idle

    def get(self, url):
        with self.pool.connection() as handle:
            received = io.BytesIO()
            handle.setopt(handle.URL, url)
            handle.setopt(handle.CAINFO, os.environ["UPSTREAM_CA"])
            handle.setopt(handle.WRITEDATA, received)
            handle.perform()
            return received.getvalue()


class PycurlTls(Pycurl):
    upstream = "UPSTREAM_TLS"


def ways(kind, with_tls=None):
    return [kind("one"), kind("three", 3), *([with_tls("tls")] if with_tls else [])]


WEB = {
    "requests": lambda: ways(Requests, RequestsTls),
    "urllib3": lambda: ways(Urllib3),
    "httpx": lambda: ways(Httpx),
    "pycurl": lambda: ways(Pycurl, PycurlTls),
}
