"""One measurement: wrk on one side, /proc on the other; the first answer before."""

import http.client
import os
import pathlib
import re
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
START_PATIENCE = 20  # seconds until a server must have answered
WRK_PATIENCE = 60  # seconds that wrk may take longer than it was told to
LOOK = 0.002  # seconds between two looks for the first answer
LARGE = b"x" * 1_000_000
TICKS = os.sysconf("SC_CLK_TCK")


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def check_answer(address, process, workload):
    """Waits for the first answer and makes sure that it is the one that all servers must give."""
    found = first_answer(address, process, workload.method, LARGE if workload.script else None)
    if found != (200, workload.answer) and not (workload.answer is None and found[0] == 200):
        wanted = (workload.answer or b"")[:80]
        raise RuntimeError(f"answered {found[0]}, {found[1][:80]!r} instead of {wanted!r}")


def first_answer(address, process, method="GET", body=None):
    deadline = time.monotonic() + START_PATIENCE
    while True:
        try:
            connection = http.client.HTTPConnection(address, timeout=START_PATIENCE)
            connection.request(method, "/", body if method == "POST" else None)
            answer = connection.getresponse()
            found = (answer.status, answer.read())
            connection.close()
            if found[0] != 502:  # nginx, whose server does not listen yet
                return found
        except (OSError, http.client.HTTPException):
            pass
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode} before it answered") from None
        if time.monotonic() > deadline:
            raise RuntimeError("did not answer") from None
        time.sleep(LOOK)


def measure(address, pid, workload, cores, seconds, warm_up_connections):
    """Figures of `seconds` of load, after a second of warm-up that does not count."""
    wrk(address, cores, warm_up_connections, 1, workload.script)
    before, switched_before = cpu_seconds(pid), context_switches(pid)
    figures = wrk(address, cores, workload.connections, seconds, workload.script)
    used = cpu_seconds(pid) - before
    figures["switches_per_second"] = (context_switches(pid) - switched_before) / seconds
    requests = figures["requests"]
    figures["cpu_us_per_request"] = used / requests * 1e6 if requests else None
    figures["memory_mib"] = memory_kib(pid, "Pss") / 1024
    return figures


def start_wrk(address, cores, connections, seconds, script=None, path="/"):
    scripted = ["-s", str(HERE / script)] if script else []
    command = ["taskset", "-c", cores, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
               "--timeout", "30s", "--latency", *scripted, f"http://{address}{path}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wrk(address, cores, connections, seconds, script=None):
    return figures_of(start_wrk(address, cores, connections, seconds, script), seconds)


def figures_of(wrk, seconds):
    """What wrk says at its end."""
    try:
        text, _ = wrk.communicate(timeout=seconds + WRK_PATIENCE)
    finally:
        wrk.kill()
        wrk.wait()
    failed = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    requests = int(re.search(r"(\d+) requests in", text)[1])
    return {
        "requests": requests,
        "requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        # Without a single answer wrk has no latency to tell.
        "p50_ms": to_ms(re.search(r"50%\s+([\d.]+)(us|ms|s|m)\b", text)) if requests else None,
        "p99_ms": to_ms(re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", text)) if requests else None,
        "failed": sum(map(int, failed.groups())) if failed else 0,
        "not_200": int(wrong[1]) if wrong else 0,
        "workers": {pid: int(count) for pid, count in re.findall(r"worker (\d+): (\d+)", text)},
    }


def to_ms(match):
    number, unit = match.groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def tree(pid):
    """The process and all below it."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for parent in found:  # grows while it is walked
        found += [child for child, of in parents.items() if of == parent]
    return found


def stat(pid):
    """/proc/PID/stat from the state on; nothing when the process is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def cpu_seconds(pid):
    """User and system time of the tree, of children that have been waited for too."""
    used = 0
    for member in tree(pid):
        if fields := stat(member):
            used += sum(map(int, fields[11:15]))
    return used / TICKS


def context_switches(pid):
    """Of all threads of the tree that are alive."""
    total = 0
    for member in tree(pid):
        for status in pathlib.Path(f"/proc/{member}/task").glob("*/status"):
            try:
                text = status.read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            total += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", text)))
    return total


def memory_kib(pid, kind):
    """Of the tree. Pss: what processes share is counted once; Uss: it is not counted."""
    names = {"Pss": ["Pss"], "Uss": ["Private_Clean", "Private_Dirty"]}[kind]
    total = 0
    for member in tree(pid):
        try:
            text = pathlib.Path(f"/proc/{member}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(found) for name in names
                     for found in re.findall(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE))
    return total
