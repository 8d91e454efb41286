#!/usr/bin/env python3
"""Asks two servers the same, and says where their answers differ.

    compare.py FRAMEWORK HOST:PORT HOST:PORT [PREFIX]

The first server is unicoro, the second uvicorn; both serve tests/apps/beside/with_FRAMEWORK.py. With a PREFIX
only behaviours whose names begin so are looked at. Exit code 1: there are differences, each printed as the
behaviour's name, what was sent and both answers.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import behaviours  # noqa: F401, they put themselves down
from differences import LACKS, ON_PURPOSE
from talk import BEHAVIOURS, Talk
from wire import shown


def main():
    framework, *addresses = sys.argv[1:4]
    prefix = sys.argv[4] if len(sys.argv) > 4 else ""
    lacks = LACKS[framework]
    names = [name for name in BEHAVIOURS if name.startswith(prefix) and name not in lacks]
    with ThreadPoolExecutor(2) as both:
        ours, theirs = both.map(lambda address: transcripts(address, names), addresses)
    failures = [text for name in names if (text := judged(framework, name, ours[name], theirs[name]))]
    print("\n".join(failures))
    purposes = sum(bool(on_purpose(framework, name)) for name in names)
    print(f"{framework}: {len(names)} behaviours, {purposes} differ on purpose, it lacks {len(lacks)}")
    sys.exit(bool(failures))


def transcripts(address, names):
    """What a server says to each."""
    host, port = address.rsplit(":", 1)
    return {name: transcript((host, int(port)), name) for name in names}


def transcript(address, name):
    talk = Talk(address)
    try:
        BEHAVIOURS[name](talk)
    except Exception as error:
        talk.wrong.append(f"{type(error).__name__}: {error}")
    return talk


def on_purpose(framework, name):
    """Why it differs, and what ours shows then; nothing if it is to be the same."""
    return ON_PURPOSE[framework].get(name) or ON_PURPOSE["every"].get(name)


def judged(framework, name, ours, theirs):
    """What is wrong, as text; nothing if both said the same."""
    wrong = theirs.wrong + ([] if ours.heard != theirs.heard else ours.wrong)
    if wrong:
        return f"{name}: it does not show what it is to show: {'; '.join(wrong)}\n{sides(ours, theirs)}"
    differ = ours.heard != theirs.heard
    purpose = on_purpose(framework, name)
    if purpose is None:
        return f"{name}: they differ\n{sides(ours, theirs)}" if differ else ""
    reason, shows = purpose
    if not differ:
        return f"{name}: is the same, but is to differ: {reason}"
    if not any(shows in said(what) for what in ours.heard):
        return f"{name}: it does not show {shows!r}: {reason}\n{sides(ours, theirs)}"
    return ""


def sides(ours, theirs):
    lines = [f"  sent      {shown(data)}" for data in theirs.sent]
    for index in range(max(len(ours.heard), len(theirs.heard))):
        pair = [talk.heard[index] if index < len(talk.heard) else "nothing" for talk in (ours, theirs)]
        if pair[0] == pair[1]:
            lines.append(f"  both      {said(pair[0])}")
        else:
            lines += [f"  unicoro   {said(pair[0])}", f"  uvicorn   {said(pair[1])}"]
    return "\n".join(lines)


def said(what):
    if isinstance(what, str):
        return what
    status_line, fields, body = what
    return f"{status_line} {fields} {shown(body)}"


main()
