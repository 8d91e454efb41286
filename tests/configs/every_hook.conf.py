"""Every hook, noting what it was called with."""

import os

workers = 1
pidfile = "pid"


def note(who, hook, *facts):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(" ".join(map(str, (who, hook, *facts))) + "\n")


def of_server(server):
    return (
        server.pid == os.getpid(),
        server.num_workers,
        server.worker_age,
        server.timeout,
        server.proc_name,
        server.master_name,
        server.address,
        server.cfg.bind,
        server.cfg.settings["workers"].get(),
        sorted(key for key in server.START_CTX if isinstance(key, str)),
        callable(server.app.callable),
    )


def of_worker(worker):
    return (
        worker.pid == os.getpid(),
        worker.ppid == os.getppid(),
        worker.timeout,
        worker.alive,
        worker.booted,
        worker.aborted,
        worker.nr,
        worker.max_requests > 1000,
        len(worker.sockets),
        worker.cfg.workers,
        callable(worker.app.callable),
    )


def on_starting(server):
    server.log.info("%s is at %d", "on_starting", 1)
    server.custom = "kept"
    note("master", "on_starting", *of_server(server), len(server.WORKERS))


def when_ready(server):
    facts = len(server.LISTENERS), os.path.exists("pid"), server.cfg.pidfile == "pid"
    note("master", "when_ready", *of_server(server), *facts)


def on_reload(server):
    note("master", "on_reload", *of_server(server))


def nworkers_changed(server, new_value, old_value):
    if new_value != old_value:
        note("master", "nworkers_changed", new_value, old_value)


def pre_fork(server, worker):
    worker.number = f"number {worker.age}"
    facts = worker.pid, worker.ppid == os.getpid(), worker.alive, str(worker)
    note("master", "pre_fork", worker.age, *facts, *of_server(server))


def post_fork(server, worker):
    worker.log.warning("post_fork of %s", worker.age)
    facts = worker.number, server.custom, server.pid == worker.ppid
    note(worker.age, "post_fork", *facts, *of_worker(worker))


def post_worker_init(worker):
    same = worker.app.wsgi() is worker.wsgi
    note(worker.age, "post_worker_init", same, *of_worker(worker))


def pre_request(worker, req):
    req.since = "pre_request"
    facts = req.method, req.uri, req.path, req.query, req.fragment, req.version, req.scheme
    peer = req.peer_addr[0], req.remote_addr[0], req.peer_addr[1] > 0
    note(worker.age, "pre_request", *facts, *peer, req.headers, req.trailers, worker.nr)


def post_request(worker, req, environ, resp):
    facts = resp.status, resp.status_code, resp.headers, resp.sent, resp.response_length
    note(worker.age, "post_request", req.since, environ["PATH_INFO"], *facts, worker.nr)


def worker_int(worker):
    note(worker.age, "worker_int")


def worker_abort(worker):
    note(worker.age, "worker_abort")


def worker_exit(server, worker):
    facts = worker.pid == os.getpid(), server.pid == os.getppid()
    note(worker.age, "worker_exit", *facts, worker.nr)


def child_exit(server, worker):
    facts = worker.number, worker.pid != os.getpid(), worker.pid in server.WORKERS
    note("master", "child_exit", worker.age, *facts, server.pid == os.getpid())


def on_exit(server):
    note("master", "on_exit", server.pid == os.getpid(), os.path.exists("pid"))
