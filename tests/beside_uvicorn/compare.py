#!/usr/bin/env python3
"""Asks two servers and a framework's own test client the same, and says where their answers differ.

    compare.py FRAMEWORK HOST:PORT HOST:PORT [PREFIX]

The first server is unicoro, the second uvicorn; both serve tests/apps/beside/with_FRAMEWORK.py, which the client calls
here: tests/apps is to be on the path. With a PREFIX only behaviours whose names begin so are looked at. Exit code 1:
there are differences, each printed as the behaviour's name, what was sent and both answers.
"""

import faulthandler
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import behaviours  # noqa: F401, they put themselves down
from beside_client import judged_beside_client
from differences import LACKS, ON_PURPOSE
from in_process import InProcessTalk, Unsayable
from own_clients import own_client
from talk import BEHAVIOURS, Talk
from wire import pairs, said, shown

# Of all that it does: whoever waits longer than that waits for ever.
PATIENCE = 300


def main():
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    framework, *addresses = sys.argv[1:4]
    prefix = sys.argv[4] if len(sys.argv) > 4 else ""
    lacks = LACKS[framework]
    names = [name for name in BEHAVIOURS if name.startswith(prefix) and name not in lacks]
    with ThreadPoolExecutor(3) as pool:
        in_process = pool.submit(transcripts_of_client, framework, names)
        ours, theirs = pool.map(lambda address: transcripts_of_server(address, names), addresses)
    failures = [text for name in names if (text := judged(framework, name, ours[name], theirs[name]))]
    purposes = sum(bool(on_purpose(framework, name)) for name in names)
    beside_client, agree = judged_beside_client(framework, ours, in_process.result(), bool(prefix))
    print("\n".join(failures + beside_client))
    print(f"{framework}: {len(names)} behaviours, {purposes} differ on purpose, it lacks {len(lacks)}; {agree}")
    sys.exit(bool(failures or beside_client))


def transcripts_of_server(address, names):
    """What a server says to each."""
    host, port = address.rsplit(":", 1)
    return {name: transcript(Talk((host, int(port))), name) for name in names}


def transcripts_of_client(framework, names):
    """What the framework's own client says to each."""
    logging.disable()
    with own_client(framework) as client:
        return {name: transcript(InProcessTalk(client), name) for name in names}


def transcript(talk, name):
    try:
        BEHAVIOURS[name](talk)
    except Unsayable as reason:
        talk.unsayable = str(reason)
    except Exception as error:
        talk.wrong.append(f"{type(error).__name__}: {error}")
    return talk


def on_purpose(framework, name):
    """Why it differs, and what ours shows then; nothing if it is to be the same."""
    return ON_PURPOSE[framework].get(name) or ON_PURPOSE["every"].get(name)


def judged(framework, name, ours, theirs):
    """What is wrong, as text; nothing if both said the same."""
    differ = everything(ours) != everything(theirs)
    wrong = theirs.wrong + (ours.wrong if not differ else [])
    if wrong:
        return f"{name}: it does not show what it is to show: {'; '.join(wrong)}\n{sides(ours, theirs)}"
    purpose = on_purpose(framework, name)
    if purpose is None:
        return f"{name}: they differ\n{sides(ours, theirs)}" if differ else ""
    reason, shows = purpose
    if not differ:
        return f"{name}: is the same, but is to differ: {reason}"
    if not any(shows in said(what) for what in everything(ours)):
        return f"{name}: it does not show {shows!r}: {reason}\n{sides(ours, theirs)}"
    return ""


def everything(talk):
    return talk.heard + talk.kept


def sides(ours, theirs):
    lines = [f"  sent      {shown(data)}" for data in theirs.sent]
    return "\n".join(lines + pairs(everything(ours), everything(theirs), "uvicorn"))


main()
