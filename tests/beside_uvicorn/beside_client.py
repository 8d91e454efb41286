"""Whether unicoro answers as a framework's own test client says: status, the application's fields, content, messages.
What only a connection has is left out: framing, where an answer was cut, whether the connection is kept."""

import ast

from client_differences import BY_RIGHT
from in_process import scope_in, unchunked
from wire import FRAMING, pairs

# As many as that agree, of each framework, whatever its client has no means for.
AT_LEAST = 100
# Of an answer: a server's part in it.
OF_THE_SERVER = (*FRAMING, "upgrade", "sec-websocket-accept")
# They follow from every byte of a scope, and how many it has.
OF_ITS_CONTENT = ("etag", "vary")
# Of a scope: they tell how the request came, not what it asks.
OF_THE_CONNECTION = ("asgi", "client", "http_version", "server")


def judged_beside_client(framework, ours, in_process, some):
    """What is wrong, and what to say of those that agree."""
    failures, agree, unsayable = [], 0, 0
    by_right = BY_RIGHT["every"] | BY_RIGHT[framework]
    for name, talk in in_process.items():
        if hasattr(talk, "unsayable"):
            unsayable += 1
            continue
        both = applications(ours[name]), applications(talk)
        differ = both[0] != both[1] or bool(talk.wrong)
        agree += not differ
        if differ and name not in by_right:
            told = "; ".join(["it differs from the framework's own client", *talk.wrong])
            failures.append("\n".join([f"{name}: {told}", *pairs(*both, "client")]))
        if not differ and name in by_right:
            failures.append(f"{name}: is as with the framework's client, but is to differ: {by_right[name]}")
    if agree < AT_LEAST and not some:
        failures.append(f"{agree} agree with the framework's client, which is too few")
    return failures, f"{agree} as with its own client, which cannot say {unsayable}"


def applications(talk):
    """What was heard, less what is the server's."""
    return [of_message(what) if isinstance(what, str) else of_answer(*what) for what in talk.heard]


def of_answer(status_line, fields, body):
    for mark in (b"(cut off)", b"(to the end)"):
        body = body.removesuffix(mark)
    if ("transfer-encoding", "chunked") in fields:
        body = unchunked(body)[0]
    status = status_line.split(" ")[1]
    left_out = OF_THE_SERVER if scope_in(body) is None else (*OF_THE_SERVER, *OF_ITS_CONTENT)
    fields = [field for field in fields if field[0] not in left_out]
    # A server writes the handshake's own.
    return status, sorted(fields) if status == "101" else fields, of_scope(body)


def of_message(text):
    kind, _, payload = text.partition(" ")
    if kind.isdecimal():
        return f"{kind} {of_scope(ast.literal_eval(payload))!r}"
    return text


def of_scope(content):
    scope = scope_in(content)
    if scope is None:
        return content
    kept = {key: value for key, value in scope.items() if key not in OF_THE_CONNECTION}
    kept["headers"] = [field for field in scope["headers"] if field[0] not in (*FRAMING, "sec-websocket-key")]
    return repr(sorted(kept.items())).encode()
