"""The objects that a config file's hooks are given, with gunicorn's attributes.

Run once in the master, by hooks.rs, and only if a config file defines a hook; the workers inherit it
through the fork. hooks.rs puts ``write(level, text)`` into these names: a line for the error log.
"""

import importlib
import os
import socket
import sys
import traceback

DEBUG, INFO, WARNING, ERROR, CRITICAL = 10, 20, 30, 40, 50

# shown.rs has run it.
Config = sys.modules["unicoro.shown"].Config


class Log:
    """``server.log`` and ``worker.log``: the server's own error log."""

    def debug(self, msg, *args, **kwargs):
        self._write(DEBUG, msg, args, kwargs)

    def info(self, msg, *args, **kwargs):
        self._write(INFO, msg, args, kwargs)

    def warning(self, msg, *args, **kwargs):
        self._write(WARNING, msg, args, kwargs)

    warn = warning

    def error(self, msg, *args, **kwargs):
        self._write(ERROR, msg, args, kwargs)

    def critical(self, msg, *args, **kwargs):
        self._write(CRITICAL, msg, args, kwargs)

    def exception(self, msg, *args, **kwargs):
        self._write(ERROR, msg, args, {"exc_info": True, **kwargs})

    def log(self, level, msg, *args, **kwargs):
        named = {"debug": DEBUG, "info": INFO, "warning": WARNING, "error": ERROR}
        if isinstance(level, str):
            level = named.get(level.lower(), CRITICAL if level.lower() == "critical" else INFO)
        self._write(level, msg, args, kwargs)

    @property
    def error_log(self):
        """The server itself writes past it, unless somebody has changed it: see loggers.py."""
        return importlib.import_module("logging").getLogger("gunicorn.error")

    @property
    def access_log(self):
        return importlib.import_module("logging").getLogger("gunicorn.access")

    def reopen_files(self):
        """The server reopens its logs itself, on USR1."""

    def _write(self, level, msg, args, kwargs):
        if writes_errors():
            return self.error_log.log(level, msg, *args, **kwargs)
        # As logging.LogRecord.getMessage: one mapping stands for named values.
        if len(args) == 1 and isinstance(args[0], dict) and args[0]:
            args = args[0]
        text = str(msg) % args if args else str(msg)
        exc_info = kwargs.get("exc_info")
        if exc_info:
            if isinstance(exc_info, BaseException):
                exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
            elif not isinstance(exc_info, tuple):
                exc_info = sys.exc_info()
            text += "\n" + "".join(traceback.format_exception(*exc_info)).rstrip()
        write(level, text)  # noqa: F821


def writes_errors():
    """Whether Python's logging writes the error log."""
    return getattr(sys.modules.get("unicoro.loggers"), "writes_errors", False)


def log():
    """What writes the logs: an object of ``logger_class``, or ours."""
    return getattr(sys.modules.get("unicoro.loggers"), "logger", None) or Log()


class Listener:
    """One of ``server.LISTENERS``."""

    def __init__(self, fd, text):
        self.fd, self.text = fd, text

    def __str__(self):
        return self.text

    def fileno(self):
        return self.fd

    @property
    def sock(self):
        return socket.socket(fileno=os.dup(self.fd))

    def getsockname(self):
        with self.sock as copy:
            return copy.getsockname()


class App:
    """``server.app`` and ``worker.app``: the loaded application, once there is one."""

    def __init__(self, cfg):
        self.cfg, self.callable = cfg, None

    def wsgi(self):
        return self.callable


class Server:
    """``server``: the master, gunicorn's arbiter."""

    master_name = "Master"

    def __init__(self, cfg):
        self.cfg, self.log = cfg, log()
        self.app = App(cfg)
        self.pid = os.getpid()
        self.wanted_workers = cfg.workers
        self.worker_age = 0
        self.WORKERS = {}
        self.LISTENERS = []
        args = [sys.executable, *sys.argv]
        self.START_CTX = {"args": args, "cwd": os.getcwd(), 0: sys.executable}

    def use(self, cfg):
        self.cfg = self.app.cfg = cfg
        self.log = log()

    @property
    def num_workers(self):
        return self.wanted_workers

    @num_workers.setter
    def num_workers(self, number):
        # gunicorn starts or ends workers then.
        self.log.warning(
            "a hook has set server.num_workers to %s, which has no effect: send TTIN or TTOU to the "
            "master, or set workers in the config file and send HUP", number
        )

    @property
    def address(self):
        return self.cfg.address

    @property
    def timeout(self):
        return self.cfg.timeout

    @property
    def proc_name(self):
        return self.cfg.proc_name

    @property
    def worker_class(self):
        return self.cfg.worker_class


class Worker:
    """``worker``: in the master what is known of it, in the worker itself."""

    def __init__(self, server, age, cfg):
        self.age, self.cfg, self.log = age, cfg, server.log
        self.pid = "[booting]"
        self.ppid = server.pid
        self.sockets = list(server.LISTENERS)
        self.timeout = cfg.timeout / 2
        self.max_requests = cfg.max_requests or sys.maxsize
        self.nr = 0
        # Set to False by a hook: the worker is replaced by a new one, as if it had reached
        # max_requests.
        self.alive = True
        self.booted = self.aborted = False
        self.app = server.app
        self.wsgi = None

    def __str__(self):
        return f"<Worker {self.pid}>"

    def notify(self):
        """The server itself watches over its workers."""


class Hooks:
    """The functions of each generation's config file, and whom they are called with."""

    def __init__(self):
        self.generations = {}
        self.server = None
        self.worker = None

    def load(self, generation, values, functions):
        """``functions``: by name, the function and how many arguments it takes."""
        cfg = Config({**values, **{name: function for name, (function, _) in functions.items()}})
        self.generations[generation] = cfg, functions
        if self.server is None:
            self.server = Server(cfg)

    def settle(self, generation):
        """From now on this generation's functions are called."""
        kept = self.generations.get(generation)
        self.generations = {generation: kept} if kept else {}
        if kept:
            self.server.use(kept[0])

    def _call(self, name, *args, generation=None):
        if generation is None:
            generation = max(self.generations, default=None)
        _, functions = self.generations.get(generation, (None, {}))
        if name in functions:
            function, count = functions[name]
            # post_request may leave its last arguments out.
            function(*args[:count])

    # In the master.

    def preloaded(self, application):
        self.server.app.callable = application

    def nworkers_changed(self, new, old):
        self.server.wanted_workers = new
        self._call("nworkers_changed", self.server, new, old)

    def on_starting(self):
        self._call("on_starting", self.server)

    def when_ready(self, listeners):
        self.server.LISTENERS = [Listener(*listener) for listener in listeners]
        self._call("when_ready", self.server)

    def on_reload(self, generation, listeners):
        self.server.use(self.generations[generation][0])
        self.server.LISTENERS = [Listener(*listener) for listener in listeners]
        self._call("on_reload", self.server, generation=generation)

    def pre_fork(self, generation, number):
        self.server.worker_age = number
        cfg, _ = self.generations.get(generation, (self.server.cfg, None))
        self.worker = Worker(self.server, number, cfg)
        self._call("pre_fork", self.server, self.worker, generation=generation)

    def forked(self, pid):
        self.worker.pid = pid
        self.server.WORKERS[pid] = self.worker

    def child_exit(self, pid):
        worker = self.server.WORKERS.pop(pid, None)
        if worker is not None:
            self._call("child_exit", self.server, worker)

    def pre_exec(self):
        self._call("pre_exec", self.server)

    def on_exit(self):
        self._call("on_exit", self.server)

    # In a worker.

    def post_fork(self, generation):
        # The other generation is none of this worker's business.
        self.generations = {generation: self.generations.get(generation, (self.server.cfg, {}))}
        self.worker.pid = os.getpid()
        self._call("post_fork", self.server, self.worker)

    def post_worker_init(self, application):
        self.worker.wsgi = self.worker.app.callable = application
        self._call("post_worker_init", self.worker)
        self.worker.booted = True

    def worker_int(self):
        self._call("worker_int", self.worker)

    def worker_abort(self):
        self.worker.aborted = True
        self._call("worker_abort", self.worker)

    def worker_exit(self):
        self._call("worker_exit", self.server, self.worker)

    def has(self, name):
        _, functions = self.generations.get(max(self.generations, default=None), (None, {}))
        return name in functions

    def pre_request(self, req):
        self._call("pre_request", self.worker, req)
        self.worker.nr += 1

    def post_request(self, req, environ, resp):
        """Whether the worker may go on."""
        self._call("post_request", self.worker, req, environ, resp)
        return self.worker.alive
