"""A config file with most of what one may want to say. Each name is explained in docs/settings.md."""

import multiprocessing
import os

# The application, unless the command line names one.
wsgi_app = "app:app"
raw_env = ["APP_ENVIRONMENT=production"]

# Listening. Behind nginx a unix socket, which the group may use.
bind = [os.environ.get("APP_BIND", "127.0.0.1:8000")]
backlog = 2048
umask = 0o007
forwarded_allow_ips = "127.0.0.1,::1"

# Workers.
worker_class = "coroutine"
workers = int(os.environ.get("WEB_CONCURRENCY", multiprocessing.cpu_count()))
worker_connections = 1000
timeout = 30
graceful_timeout = 30
keepalive = 75
# A new process now and then, against leaks; not all at the same time.
max_requests = 100_000
max_requests_jitter = 10_000

# Limits.
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190

# Process.
proc_name = "app"

# Logging: to files, with one line a request as JSON.
errorlog = os.environ.get("APP_ERRORLOG", "-")
loglevel = "info"
accesslog = os.environ.get("APP_ACCESSLOG", "-")
access_log_json = True
# Python's own logging, that of the application.
logconfig_dict = {
    "loggers": {"app": {"level": "INFO", "handlers": ["error_console"], "propagate": False}},
}


def when_ready(server):
    server.log.info("serving %s", ", ".join(map(str, server.LISTENERS)))


def post_fork(server, worker):
    server.log.info("worker %s runs as process %s", worker.age, worker.pid)


def worker_abort(worker):
    worker.log.error("worker %s was too long without a sign of life", worker.pid)


def child_exit(server, worker):
    # For prometheus_client: multiprocess.mark_process_dead(worker.pid)
    server.log.debug("worker %s has ended", worker.pid)


def post_request(worker, req, environ, resp):
    if resp.status_code >= 500:
        worker.log.warning("%s %s was answered with %s", req.method, req.path, resp.status)
