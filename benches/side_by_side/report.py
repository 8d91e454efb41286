"""What a run leaves: a Markdown table to read, and a JSON file with the raw numbers."""

import json
import os
import pathlib
import platform
import statistics
import subprocess

from servers import ENVIRONMENT, ROOT, UNICORO

def medians(rounds):
    """Each figure's median over the rounds that have it."""
    names = dict.fromkeys(name for each in rounds for name, value in each.items()
                          if isinstance(value, (int, float)) and name not in ("failed", "not_200"))
    found = {name: statistics.median(values) for name in names
             if (values := [each[name] for each in rounds if each.get(name) is not None])}
    found["failures"] = sum(each.get("failed", 0) + each.get("not_200", 0) for each in rounds)
    return found


def summary(results):
    """For each workload the medians of each server."""
    return {workload: {name: medians(rounds) for name, rounds in servers.items()}
            for workload, servers in results.items()}


def markdown(results, workloads, closed, asked):
    """`closed`: the servers that do not call `close`; `asked`: those that were to be measured."""
    lines, table = [], None
    for workload in workloads:
        if workload.table != table:
            table = workload.table
            lines += [f"## {table}", ""]
        lines += section(results[workload.name], workload, asked)
        if workload.closed_app and (named := [name for name in closed if name in workload.servers]):
            lines += [f"{', '.join(named)} would not call `close` of the response; here the application "
                      "does.", ""]
    return "\n".join(lines)


def section(servers, workload, asked):
    columns = workload.columns
    lines = [f"### {title(workload)}", "", workload.about, "",
             f"| server | {' | '.join(columns.values())} | failed |",
             f"|---|{'---:|' * (len(columns) + 1)}"]
    lines += [row(name, figures, columns) for name, figures in ranked(servers, workload)]
    return lines + [""] + [f"{each}\n" for each in remarks(servers, workload, asked)]


def title(workload):
    count = workload.connections
    clients = f", {count} connection{'s' * (count > 1)}" if workload.is_timed else ""
    return workload.name + clients


def ranked(servers, workload):
    """Those without a figure come last."""
    first = next(iter(workload.columns))
    sign = 1 if workload.less_is_better else -1
    rows = [(name, medians(rounds)) for name, rounds in servers.items()]
    return sorted(rows, key=lambda row: (row[1].get(first) is None, sign * row[1].get(first, 0)))


def row(name, figures, columns):
    cells = [shown(figures.get(figure)) for figure in columns]
    return f"| {name} | {' | '.join(cells)} | {figures['failures']} |"


def remarks(servers, workload, asked):
    """Why figures are missing."""
    for name, rounds in servers.items():
        for each in rounds:
            said = [each["error"]] if "error" in each else each.get("notes", [])
            if said:
                yield f"{name}: {'; '.join(said)}"
                break
    for name in workload.servers:
        if name in asked and (reason := workload.unfit(name)):
            yield f"{name}: {reason}"


def shown(number):
    if number is None:
        return "–"
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def write(path, results, closed, command, options, commands):
    """The medians are there for whoever reads the file; the tables are made from the rounds."""
    path.parent.mkdir(exist_ok=True)
    about = {"command": command, "options": options, "machine": machine(), "versions": versions(),
             "commands": commands, "do_not_close": closed}
    text = json.dumps(about | {"medians": summary(results), "rounds": results}, indent=1)
    path.write_text(without_places(text) + "\n")


def without_places(text):
    """Where things stand on this machine is nobody's business."""
    for place, name in ((UNICORO, "unicoro"), (f"{ROOT}/", ""), (pathlib.Path.home(), "~")):
        text = text.replace(str(place), name)
    return text


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
        "nginx": said(["nginx", "-v"], subprocess.STDOUT),
        "packages": packages,
    }


def said(command, errors=subprocess.DEVNULL):
    """What a command prints; wrk says its version with an exit code of 1."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=errors, text=True, check=False)
    return done.stdout.strip()
