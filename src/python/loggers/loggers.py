"""The loggers gunicorn.error and gunicorn.access, as an application finds them under gunicorn: with
handlers, which lead into the server's own logs here. Run by module.rs, which provides ``Finder``,
``tell``, ``escape`` and ``json_line``.

As long as nobody has changed a logger, the server writes past it. One that somebody has changed, in
the config file, in a hook, in the application or by ``logconfig``, is called for each line
(``Watched``, ``look``); so is an object of ``logger_class``.

Nobody is made to import logging, which takes 2 MiB: the handlers are made when somebody does.
"""

import base64
import os
import sys
import time

# Lines as the server's own.
FORMAT = "%(asctime)s [%(process)d] [%(levelname)s] %(message)s"
DATES = "[%Y-%m-%d %H:%M:%S %z]"

LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}

# The last that `set_up` was called with.
wanted = ()
# The object of logger_class, and the handlers and filters that it has given the two loggers.
logger = None
its_parts = []
# Whether the server's own records come here.
writes_errors = False
# What each of the two loggers and its handlers look like while nobody has changed it.
untouched = {}
# Attributes that say nothing about lines: others' doing, or logging's own.
UNTOLD = {"_cache", "_closed", "_name", "disabled", "lock", "manager", "parent"}


def set_up(*arguments):
    """``level, error_log, access_log``: what goes to gunicorn.error, and where each leads; ``cfg``;
    ``logger_class``, and ``configure``, which sets logging up as logconfig says, or None. Again, by a
    reload, it replaces what it did. If that fails, it is as it was."""
    global wanted
    before, wanted = wanted, arguments
    is_asked_for = any(arguments[4:])
    if "logging" not in sys.modules and not is_asked_for:
        if finder not in sys.meta_path:
            sys.meta_path.insert(0, finder)
        return
    import logging

    try:
        change(logging)
    except Exception:
        if before:
            wanted = before
            change(logging)
        raise


def change(logging):
    level, error_log, access_log, cfg, logger_class, configure = wanted
    untouched.clear()
    if logger_class:
        # It makes its own handlers.
        error_log = access_log = None
    formatter = logging.Formatter(FORMAT, DATES)
    set_up_logger(logging, "gunicorn.error", level, error_log, formatter)
    formatter = access_formatter(logging, cfg)
    set_up_logger(logging, "gunicorn.access", logging.INFO, access_log, formatter)
    use_class(logging, logger_class, cfg)
    if configure and not logger_class:
        configure()
    look()


finder = Finder(lambda name: change if name == "logging" else None)  # noqa: F821


def use_class(logging, logger_class, cfg):
    global logger
    logs = [logging.getLogger(name) for name in ("gunicorn.error", "gunicorn.access")]
    if type(logger) is not logger_class:
        # With its class go the handlers and filters that it has made.
        for log in logs:
            for part in its_parts:
                log.removeHandler(part)
                log.removeFilter(part)
        its_parts.clear()
    if not logger_class:
        logger = None
        return
    before = parts(logs)
    if type(logger) is logger_class:
        logger.setup(cfg)
    else:
        getattr(logger_class, "install", lambda: None)()
        logger = logger_class(cfg)
    its_parts.extend(part for part in parts(logs) if part not in before)


def parts(logs):
    return [part for log in logs for part in (*log.handlers, *log.filters)]


def set_up_logger(logging, name, level, log, formatter):
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.setLevel(level)
    for handler in logger.handlers[:]:
        if getattr(handler, "is_unicoros", False):
            logger.removeHandler(handler)
    handlers = []
    if log is not None and log.has_lines():
        handlers.append(logging.StreamHandler(log))
        handlers[-1].setFormatter(formatter)
    if log is not None and log.has_syslog():
        handlers.append(syslog_handler(logging, log))
    for handler in handlers:
        handler.is_unicoros = True
        logger.addHandler(handler)
    # The manager is whom logging.disable tells.
    for watched in (logger, *handlers, logger.manager):
        watch(watched)
    ours = logging.Logger(name, level)
    ours.propagate, ours.handlers = False, handlers
    untouched[name] = looks(ours)


def access_formatter(logging, cfg):
    class Json(logging.Formatter):
        def format(self, record):
            is_access = type(record.args) is Atoms
            return json_line(record.args) if is_access else super().format(record)  # noqa: F821

    return (Json if cfg.access_log_json else logging.Formatter)("%(message)s")


def syslog_handler(logging, log):
    class SyslogHandler(logging.Handler):
        def emit(self, record):
            try:
                log.send_to_syslog(record.levelno, self.format(record))
            except Exception:
                self.handleError(record)

    return SyslogHandler()


class Watched:
    """Mixed into the two loggers and what belongs to them: whoever changes one is noticed."""

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        look()


def watch(watched):
    kind = type(watched)
    if not issubclass(kind, Watched):
        names = {"__module__": kind.__module__}
        watched.__class__ = type(kind.__name__, (Watched, kind), names)
    for name in ("handlers", "filters"):
        if type(getattr(watched, name, None)) is list:
            setattr(watched, name, WatchedList(getattr(watched, name)))


class WatchedList(list):
    """The same for their handlers and filters."""


def noticed(name):
    method = getattr(list, name)

    def noticing(self, *args, **kwargs):
        result = method(self, *args, **kwargs)
        look()
        return result

    return noticing


for name in "append clear extend insert pop remove __delitem__ __iadd__ __setitem__".split():
    setattr(WatchedList, name, noticed(name))


def looks(log):
    """What decides what becomes of a record, to be compared."""
    parts = [log]
    for handler in log.handlers:
        formatter = getattr(handler, "formatter", None)
        parts += handler, formatter, getattr(formatter, "_style", None)
    return [
        {
            name: list(value) if isinstance(value, list) else value
            for name, value in getattr(part, "__dict__", {}).items()
            if name not in UNTOLD
        }
        for part in parts
    ]


def look():
    """Sees whether somebody has changed the loggers, and tells the server."""
    global writes_errors
    if len(untouched) < 2:
        return  # They are being set up.
    logging = sys.modules["logging"]
    error, access = logging.getLogger("gunicorn.error"), logging.getLogger("gunicorn.access")
    level, _, _, cfg, _, _ = wanted
    writes_errors = logger is not None or is_changed(error)
    # An object hears of each request, for its figures: whether it writes a line is its own affair.
    writes_accesses = logger is not None or (
        (access.disabled or is_changed(access)) and has_access_log(cfg)
    )
    if writes_errors:
        level = error.getEffectiveLevel() if logger is None else min(level, error.level)
    tell(writes_errors, writes_accesses, sends_figures(), level)  # noqa: F821


def sends_figures():
    """Whether it is a class that sends gunicorn's figures to statsd."""
    module = sys.modules.get("gunicorn.instrument.statsd")
    return module is not None and isinstance(logger, module.Statsd)


def is_changed(log):
    return bool(log.manager.disable) or looks(log) != untouched[log.name]


def has_access_log(cfg):
    """gunicorn logs accesses only then."""
    return bool(
        cfg.accesslog
        or cfg.access_log_json
        or cfg.logconfig
        or cfg.logconfig_dict
        or cfg.logconfig_json
        or (cfg.syslog and not cfg.disable_redirect_access_to_syslog)
    )


def emit(level, text, created, error=None):
    """One of the server's own records. ``error`` is an exception that it is about; without one the
    lines after the first are a traceback. False: it is to be written by the server itself."""
    if logger is not None:
        if error:
            say_raised(text, error, error.__traceback__)
        else:
            getattr(logger, LEVELS[level])(text)
        return True
    log = sys.modules["logging"].getLogger("gunicorn.error")
    # gunicorn: a dictConfig that disables existing loggers, its default, silences the server.
    if log.disabled:
        return False
    if log.isEnabledFor(level):
        message, _, trace = text.partition("\n")
        info = error and (type(error), error, error.__traceback__)
        here = __file__, 0, message, (), info, "emit"
        record = log.makeRecord(log.name, level, *here)
        record.created, record.msecs = created, created % 1 * 1000
        record.exc_text = trace or None
        log.handle(record)
    return True


def begin_thread():
    """Of the thread that calls ``emit`` in a worker that serves."""
    import threading

    threading.current_thread().name = "unicoro-log"


def say_raised(text, error, trace):
    """As where it was caught: others than logging ask for sys.exc_info() too."""
    try:
        raise error
    except BaseException:
        error.__traceback__ = trace
        logger.exception(text)


def access(resp, req, environ, request_time):
    """The line of one request."""
    if logger is not None:
        return logger.access(resp, req, environ, request_time)
    cfg = wanted[3]
    log = sys.modules["logging"].getLogger("gunicorn.access")
    if log.isEnabledFor(20):
        log.info(Line(cfg.access_log_format), atoms(resp, req, environ, request_time))


class Line(str):
    """The ``msg`` of an access record: a format that shows atoms as the server's own lines do."""

    def __str__(self):
        return self

    def __mod__(self, atoms):
        return super().__mod__(ShownAtoms(atoms) if type(atoms) is Atoms else atoms)


class Atoms(dict):
    """Its ``args``. What is not there is a dash, and the names of fields are in any case."""

    def __getitem__(self, name):
        # gunicorn: only the quotes, so that a path with %0a forges a line.
        value = self.find(name)
        if type(value) is not str:
            return value
        return value.replace('"', '\\"') if value.isprintable() else escape(value)  # noqa: F821

    def find(self, name):
        return self.get(name.lower() if name[:1] == "{" else name, "-")


class ShownAtoms(Atoms):
    def __getitem__(self, name):
        value = self.find(name)
        return escape(value) if type(value) is str else value  # noqa: F821


def atoms(resp, req, environ, request_time):
    # An application may have taken variables away.
    method = environ.get("REQUEST_METHOD", req.method)
    uri = environ.get("RAW_URI", req.uri)
    protocol = environ.get("SERVER_PROTOCOL", "HTTP/%d.%d" % req.version)
    seconds, micros = request_time.seconds, request_time.microseconds
    found = {
        "h": environ.get("REMOTE_ADDR") or "-",
        "l": "-",
        "u": user(environ) or "-",
        "t": time.strftime("[%d/%b/%Y:%H:%M:%S %z]"),
        "r": f"{method} {uri} {protocol}".strip() or "-",
        "s": resp.status.split(None, 1)[0],
        "m": method,
        "U": environ.get("PATH_INFO"),
        "q": environ.get("QUERY_STRING"),
        "H": protocol,
        "b": str(resp.sent),
        "B": resp.sent,
        "f": environ.get("HTTP_REFERER", "-"),
        "a": environ.get("HTTP_USER_AGENT", "-"),
        "T": seconds,
        "D": seconds * 1000000 + micros,
        "M": seconds * 1000 + micros // 1000,
        "L": f"{seconds}.{micros:06}",
        "p": f"<{os.getpid()}>",
    }
    for kind, fields in (("i", req.headers), ("o", resp.headers), ("e", environ.items())):
        for name, value in fields:
            found[f"{{{str(name).lower()}}}{kind}"] = value
    return Atoms(found)


def user(environ):
    kind, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials.strip()).partition(b":")[0].decode()
    except ValueError:
        return None


def reopen():
    """Opens the files of all handlers anew, as gunicorn does."""
    logging = sys.modules.get("logging")
    if logging is None:
        return
    if hasattr(logger, "reopen_files"):
        logger.reopen_files()
    # gunicorn: not the root logger's.
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = {each for log in loggers for each in getattr(log, "handlers", ())}
    for handler in handlers:
        if isinstance(handler, logging.FileHandler):
            handler.acquire()
            try:
                if handler.stream:
                    handler.stream.close()
                    handler.stream = handler._open()
            finally:
                handler.release()
