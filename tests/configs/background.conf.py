"""In the background, with a pid file and log files."""

import os

daemon = True
chdir = os.environ["SCRATCH"]
pidfile = "site.pid"
bind = "unix:" + os.path.join(chdir, "site.sock")
umask = 0o007
errorlog = os.path.join(chdir, "error.log")
accesslog = os.path.join(chdir, "access.log")
loglevel = "info"
capture_output = True
proc_name = "site"
workers = 2
user = os.geteuid()
group = os.getegid()


def post_worker_init(worker):
    worker.log.info("it hears signals")
