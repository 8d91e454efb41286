"""What a run leaves: a Markdown table to read, and a JSON file with the raw numbers."""

import json
import os
import pathlib
import platform
import statistics
import subprocess

from servers import ENVIRONMENT, ROOT, UNICORO

FIGURES = ["requests_per_second", "p50_ms", "p99_ms", "cpu_us_per_request", "switches_per_second",
           "memory_mib"]


def medians(rounds):
    """Each figure's median over the rounds that have it."""
    found = {}
    for figure in FIGURES:
        values = [each[figure] for each in rounds if each.get(figure) is not None]
        found[figure] = statistics.median(values) if values else None
    found["failures"] = sum(each.get("failed", 0) + each.get("not_200", 0) for each in rounds)
    return found


def summary(results):
    """For each workload the medians of each server."""
    return {workload: {name: medians(rounds) for name, rounds in servers.items()}
            for workload, servers in results.items()}


def markdown(results, workloads):
    lines = []
    for workload in workloads:
        lines += [f"### {workload.name}, {workload.connections} connections",
                  "", workload.about, "",
                  "| server | requests/s | p50 ms | p99 ms | CPU us/request | switches/s | memory MiB "
                  "| failed |",
                  "|---|---:|---:|---:|---:|---:|---:|---:|"]
        rows = [(name, medians(rounds)) for name, rounds in results[workload.name].items()]
        rows.sort(key=lambda row: -(row[1]["requests_per_second"] or 0))
        for name, figures in rows:
            cells = [shown(figures[figure]) for figure in FIGURES]
            lines.append(f"| {name} | {' | '.join(cells)} | {figures['failures']} |")
        errors = {name: each["error"] for name, rounds in results[workload.name].items()
                  for each in rounds if "error" in each}
        lines += [f"\n{name} failed: {error}" for name, error in errors.items()] + [""]
    return "\n".join(lines)


def shown(number):
    if number is None:
        return "–"
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def write(path, results, command, options):
    path.parent.mkdir(exist_ok=True)
    about = {"command": command, "options": options, "machine": machine(), "versions": versions()}
    path.write_text(json.dumps(about | {"medians": summary(results), "rounds": results}, indent=1) + "\n")


def machine():
    cpu = [line.partition(":")[2].strip()
           for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
           if line.startswith("model name")]
    return {"cpu": cpu[0] if cpu else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release()}


def versions():
    packages = said([ENVIRONMENT / "bin" / "python3", "-m", "pip", "freeze"]).splitlines()
    return {
        "unicoro": said([UNICORO, "--version"]),
        "commit": said(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12"]),
        "python": said([ENVIRONMENT / "bin" / "python3", "-V"]),
        "wrk": said(["wrk", "--version"]).partition("\n")[0].partition("Copyright")[0].strip(),
        "packages": packages,
    }


def said(command):
    """What a command prints; wrk says its version with an exit code of 1."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip()
