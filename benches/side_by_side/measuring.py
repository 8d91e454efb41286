"""One measurement: wrk on one side, /proc on the other."""

import http.client
import os
import pathlib
import re
import socket
import subprocess
import time

START_PATIENCE = 20  # seconds until a server must have answered
TICKS = os.sysconf("SC_CLK_TCK")


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def check_answer(address, process, body):
    """Waits for the first answer and makes sure that it is the one that all servers must give."""
    deadline = time.monotonic() + START_PATIENCE
    while True:
        try:
            connection = http.client.HTTPConnection(address, timeout=START_PATIENCE)
            connection.request("GET", "/")
            answer = connection.getresponse()
            found = (answer.status, answer.read())
            connection.close()
            break
        except OSError:
            if process.poll() is not None:
                raise RuntimeError(f"ended with {process.returncode} before it answered") from None
            if time.monotonic() > deadline:
                raise RuntimeError("did not answer") from None
            time.sleep(0.05)
    if found != (200, body):
        raise RuntimeError(f"answered {found[0]}, {found[1][:80]!r} instead of {body[:80]!r}")


def measure(address, pid, core, connections, warm_up_connections, seconds):
    """Figures of `seconds` of load, after a second of warm-up that does not count."""
    wrk(address, core, warm_up_connections, 1)
    before, switched_before = cpu_seconds(pid), context_switches(pid)
    figures = wrk(address, core, connections, seconds)
    used = cpu_seconds(pid) - before
    figures["switches_per_second"] = (context_switches(pid) - switched_before) / seconds
    requests = figures.pop("requests")
    figures["cpu_us_per_request"] = used / requests * 1e6 if requests else None
    figures["memory_mib"] = memory_mib(pid)
    return figures


def wrk(address, core, connections, seconds):
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
               "--timeout", "30s", "--latency", f"http://{address}/"]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True,
                          timeout=seconds + 60).stdout
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


def memory_mib(pid):
    """PSS: what processes share is counted once."""
    total = 0
    for member in tree(pid):
        try:
            text = pathlib.Path(f"/proc/{member}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if found := re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE):
            total += int(found[1])
    return total / 1024
