"""Serves an application by the command that is given, and says what is wrong: `serve.py COMMAND...`

Twenty requests sleep at once, so the interposed calls are in force; the application and its children see
nothing of how they got there, and ignore what they would under a plain Python; an upgrade comes in by the
same door; a stop ends with 0.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 30
AT_ONCE = 20

APPLICATION = """
import os, signal, subprocess, sys, time
import unicoro

SAY = ["grep", "SigIgn:", "/proc/self/status"]

def ignored(status):
    mask = int(status.split()[1], 16)
    return [number.name for number in (signal.SIGPIPE, signal.SIGXFSZ) if mask >> number - 1 & 1]

def in_child(**more):
    return ignored(subprocess.run(SAY, capture_output=True, text=True, **more).stdout)

def signals():
    with open("/proc/self/status") as status:
        own = next(line for line in status if line.startswith("SigIgn:"))
    pipe = os.popen("exec " + " ".join(SAY))
    return [ignored(own), signal.getsignal(signal.SIGPIPE), signal.getsignal(signal.SIGXFSZ), in_child(),
            in_child(restore_signals=False), in_child(preexec_fn=lambda: None), ignored(pipe.read())]

def app(environ, start_response):
    time.sleep(0.5)
    start_response("200 OK", [])
    child = subprocess.run([sys.executable, "-c", "import os; print(dict(os.environ))"],
                           capture_output=True, text=True).stdout
    facts = [sys.prefix, os.getppid(), unicoro.RequestTimeout.__name__, "PRELOAD" in repr(os.environ),
             "PRELOAD" in child, any(place.endswith("/bin") for place in sys.path), signals()]
    return [repr(facts).encode()]
"""


def get(path):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                client.connect(path)
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = b"".join(iter(lambda: client.recv(65536), b""))
            return answer.partition(b"\r\n\r\n")[2].decode()
        except (FileNotFoundError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def until(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def judge(server, path, pids, masters):
    plain = [sys.executable, "-c", "import served; print(served.signals())"]
    plain = subprocess.run(plain, cwd=os.path.dirname(path), capture_output=True, text=True, check=True)
    get(path)
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as clients:
        answers = set(clients.map(get, [path] * AT_ONCE))
    took = time.monotonic() - began
    facts = [sys.prefix, server.pid, "RequestTimeout", False, False, False]
    assert answers == {f"{repr(facts)[:-1]}, {plain.stdout.strip()}]"}, (answers, plain.stdout)
    assert took < AT_ONCE * 0.5, f"{AT_ONCE} sleeps of 0.5 s took {took:.1f} s"

    os.kill(server.pid, signal.SIGUSR2)
    until("the new master", lambda: os.path.exists(pids + ".2"))
    with open(pids + ".2") as file:
        successor = int(file.read())
    masters.append(successor)
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait(PATIENCE) == 0
    masters.remove(server.pid)
    until("the new master's turn", lambda: not os.path.exists(pids + ".2"))
    assert f", {successor}, " in get(path)
    os.kill(successor, signal.SIGTERM)
    until("its end", lambda: not os.path.exists(pids))
    masters.remove(successor)
    return took


def main(command):
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
    python = ".".join(map(str, sys.version_info[:3]))
    assert re.fullmatch(rf"unicoro \S+ \(wheel, release build, CPython {re.escape(python + ', ' + sys.prefix)}\)\n", version), version
    assert subprocess.run([*command, "--no-such"], capture_output=True).returncode == 2
    with tempfile.TemporaryDirectory() as place:
        path, pids = os.path.join(place, "socket"), os.path.join(place, "pid")
        with open(os.path.join(place, "served.py"), "w") as file:
            file.write(APPLICATION)
        arguments = ["-k", "coroutine", "-b", f"unix:{path}", "-p", pids, "--log-file", "log", "served:app"]
        server = subprocess.Popen([*command, *arguments], cwd=place)
        masters = [server.pid]
        try:
            took = judge(server, path, pids, masters)
        except BaseException:
            with open(os.path.join(place, "log")) as log:
                sys.stderr.write(log.read())
            raise
        finally:
            for pid in masters:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    print(version.strip(), f"{AT_ONCE} sleeps in {took:.2f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
