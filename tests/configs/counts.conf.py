"""As in gunicorn's documents: workers by the number of processors, values out of the environment."""

import multiprocessing
import os
import os.path as paths


def number_of_workers():
    wanted = os.getenv("APP_WORKERS", "").strip()
    if wanted:
        return int(wanted)
    return multiprocessing.cpu_count() * 2 + 1


HERE = paths.dirname(paths.abspath(__file__))
APP_ENVIRONMENT = os.getenv("APP_ENVIRONMENT", "testing")

workers = min(number_of_workers(), 3)
wsgi_app = "configured:app"
bind = "127.0.0.1:1"  # the command line says another
backlog = 64
timeout, graceful_timeout, keepalive = 60, 10, 5
raw_env = [f"APP_ENVIRONMENT={APP_ENVIRONMENT}", "APP_HERE=" + paths.basename(HERE)]
accesslog = "accesses"
access_log_format = '%(m)s %(U)s %(s)s %(b)s "%({x-tell}i)s" %({content-type}o)s'
loglevel = "DEBUG" if APP_ENVIRONMENT == "development" else "warning"
limit_request_line = 0
