"""Behind a proxy, loaded before the fork, with requests measured and leaking workers replaced."""

import time

proc_name = "proxied"
preload_app = True
forwarded_allow_ips = "*"
secure_scheme_headers = {"X-CLIENT-SCHEME": "tls"}
forwarder_headers = "SCRIPT_NAME,PATH_INFO"
header_map = "dangerous"
raw_env = ["SCRIPT_NAME=/mounted"]
worker_tmp_dir = "/dev/shm"
max_requests = 1000
max_requests_jitter = 50
limit_request_fields = 20


def pre_request(worker, req):
    req.started = time.monotonic()
    worker.log.debug("%s %s", req.method, req.path)


def post_request(worker, req, environ):
    took = time.monotonic() - req.started
    worker.log.warning("%s took less than %d s", req.path, took // 60 * 60 + 60)


def post_worker_init(worker):
    worker.log.warning("loaded %s", worker.app.callable.__name__)
