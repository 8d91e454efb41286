"""Settings and requests as hooks and loggers are shown them, with gunicorn's attributes. Run by
shown.rs, once in a process.
"""

import os


class Setting:
    """One entry of ``cfg.settings``."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def get(self):
        return self.value


class Config:
    """``server.cfg`` and ``worker.cfg``: every setting as an attribute."""

    def __init__(self, values):
        self.__dict__.update(values)
        self.uid = self.user = os.geteuid() if self.uid is None else self.uid
        self.gid = self.group = os.getegid() if self.gid is None else self.gid

    @property
    def settings(self):
        return {name: Setting(name, value) for name, value in vars(self).items()}

    @property
    def worker_class_str(self):
        return self.worker_class

    @property
    def is_ssl(self):
        return self.certfile or self.keyfile

    @property
    def env(self):
        return dict(pair.split("=", 1) for pair in self.raw_env)

    @property
    def env_orig(self):
        return dict(os.environ)


class Request:
    """``req``: the head of a request."""

    def __init__(self, method, uri, path, query, version, headers, scheme, peer):
        self.method, self.uri, self.path, self.query = method, uri, path, query
        self.version, self.headers, self.scheme = version, headers, scheme
        self.peer_addr = self.remote_addr = peer
        self.fragment = ""
        self.trailers = []


class Response:
    """``resp``: what the application has answered."""

    def __init__(self, req, status, headers, sent):
        self.req, self.status, self.headers, self.sent = req, status, headers, sent
        self.headers_sent = True

    @property
    def status_code(self):
        return int(self.status.split(None, 1)[0])

    @property
    def response_length(self):
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        return int(lengths[-1]) if lengths else None
