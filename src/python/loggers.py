"""The loggers gunicorn.error and gunicorn.access, as an application finds them under gunicorn: with
handlers, which lead into the server's own logs here. Run by loggers.rs, which provides ``Finder``.

Nobody is made to import logging, which takes 2 MiB: the handlers are made when somebody does.
"""

import sys

# Lines as the server's own.
FORMAT = "%(asctime)s [%(process)d] [%(levelname)s] %(message)s"
DATES = "[%Y-%m-%d %H:%M:%S %z]"

# The last that `set_up` was called with.
wanted = ()


def set_up(*arguments):
    """``level, error_log, access_log``: what goes to gunicorn.error, and where each leads. Again, by a
    reload, it replaces what it did."""
    global wanted
    wanted = arguments
    if "logging" in sys.modules:
        change(sys.modules["logging"])
    elif finder not in sys.meta_path:
        sys.meta_path.insert(0, finder)


def change(logging):
    level, error_log, access_log = wanted
    formatter = logging.Formatter(FORMAT, DATES)
    set_up_logger(logging, "gunicorn.error", level, error_log, formatter)
    formatter = logging.Formatter("%(message)s")
    set_up_logger(logging, "gunicorn.access", logging.INFO, access_log, formatter)


finder = Finder(lambda name: change if name == "logging" else None)  # noqa: F821


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


def syslog_handler(logging, log):
    class SyslogHandler(logging.Handler):
        def emit(self, record):
            try:
                log.send_to_syslog(record.levelno, self.format(record))
            except Exception:
                self.handleError(record)

    return SyslogHandler()
