"""WebSockets."""

import os

from talk import behaviour, plain, request

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def handshake(path, *fields, version=13):
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Version: {version}")
    return request(f"GET {path}", *upgrade, f"Sec-WebSocket-Key: {KEY}", *fields)


def frame(opcode, payload=b"", is_last=True):
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 65536:
        size = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([opcode | (0x80 if is_last else 0)]) + size + mask + masked


def hear(connection, count=1):
    """The next messages and control frames. How a message is cut into frames is not compared."""
    for _ in range(count):
        kind, whole, is_last = None, b"", False
        while not is_last:
            head = connection.exactly(2)
            if len(head) != 2:
                return connection.heard.append("the end")
            length = head[1] & 0x7F
            if length >= 126:
                length = int.from_bytes(connection.exactly(2 if length == 126 else 8), "big")
            kind = kind or head[0] & 0x0F
            whole += connection.exactly(length)
            is_last = bool(head[0] & 0x80)
        connection.heard.append(f"{kind} {whole!r}")


def talk_websocket(name, path, *frames, fields=(), answers=0, status=101):
    """A handshake, frames, so many messages in answer, and whether the connection ends then."""

    def talk_it(talk):
        data = handshake(path, *fields)
        talk.sent += [data, *frames]
        with talk.connect() as connection:
            connection.send(data)
            talk.expect(connection.answer(), status)
            for some in frames:
                if some is CLOSING:
                    # Whoever says that he leaves is owed no more messages.
                    hear(connection, answers - 1)
                connection.send(some)
            hear(connection, 1 if CLOSING in frames else answers)
            if status != 101:
                talk.look_whether_kept(connection)
            elif not frames or CLOSING in frames:
                if not frames:
                    # uvicorn waits for that for 10 s.
                    connection.send(CLOSING)
                talk.heard.append("closed" if connection.is_closed() else "more")

    talk_it.__name__ = f"websocket_{name}"
    behaviour(talk_it)


CLOSING = frame(CLOSE, (1000).to_bytes(2, "big") + b"done")
PIECES = (frame(TEXT, b"one ", False), frame(PING, b"p"), frame(0, b"two", True))

talk_websocket("text", "/ws/echo", frame(TEXT, "h\u00e9".encode()), CLOSING, answers=2)
talk_websocket("binary", "/ws/echo", frame(BINARY, bytes(range(256))), CLOSING, answers=2)
talk_websocket("large", "/ws/echo", frame(TEXT, b"x" * 200_000), CLOSING, answers=2)
talk_websocket("many", "/ws/echo", *(frame(TEXT, b"%d" % number) for number in range(50)), CLOSING, answers=51)
talk_websocket("pieces_and_ping", "/ws/echo", *PIECES, CLOSING, answers=3)
talk_websocket("not_utf_8", "/ws/echo", frame(TEXT, b"\xff"), answers=1)
talk_websocket("subprotocol", "/ws/chat", CLOSING, fields=("Sec-WebSocket-Protocol: other, chat",), answers=1)
talk_websocket("scope", "/ws/scope?a=%20", fields=("Cookie: a=b", "Origin: https://example.org"), answers=2)
talk_websocket("refused", "/ws/refuse", status=403)
talk_websocket("denied", "/ws/deny", status=(403, 418))
talk_websocket("absent", "/ws/absent", status=(403, 404, 500))
talk_websocket("closed_with_a_code", "/ws/close", answers=1)
talk_websocket("fails_before_it_is_accepted", "/ws/fail", status=(403, 500))
talk_websocket("fails", "/ws/fail_late", answers=1)


plain("websocket_of_another_version", handshake("/ws/echo", version=12), (400, 426))
talk_websocket("empty", "/ws/echo", frame(TEXT), CLOSING, answers=2)
talk_websocket("pong_unasked", "/ws/echo", frame(PONG, b"p"), frame(TEXT, b"a"), CLOSING, answers=2)
talk_websocket("unmasked", "/ws/echo", b"\x81\x01a", answers=1)
talk_websocket("unknown_opcode", "/ws/echo", frame(3), answers=1)
talk_websocket("ping_too_long", "/ws/echo", frame(PING, b"p" * 126), answers=1)
talk_websocket("close_of_one_byte", "/ws/echo", frame(CLOSE, b"a"), answers=1)
talk_websocket("close_with_a_code_not_to_be_sent", "/ws/echo", frame(CLOSE, (1006).to_bytes(2, "big")), answers=1)


@behaviour
def websocket_client_does_not_say_why_it_leaves(talk):
    with talk.connect() as connection:
        connection.send(handshake("/ws/echo?silent"))
        talk.expect(connection.answer(), 101)
        connection.send(frame(CLOSE))
        hear(connection)
    talk.seen("websocket_silent")


@behaviour
def websocket_client_says_why_it_leaves(talk):
    with talk.connect() as connection:
        connection.send(handshake("/ws/echo?leaves"))
        talk.expect(connection.answer(), 101)
        connection.send(frame(CLOSE, (4001).to_bytes(2, "big") + b"enough"))
        hear(connection)
    talk.seen("websocket_leaves")


@behaviour
def websocket_client_vanishes(talk):
    with talk.connect() as connection:
        connection.send(handshake("/ws/echo?vanishes"))
        talk.expect(connection.answer(), 101)
    talk.seen("websocket_vanishes")


@behaviour
def plain_http_asks_for_a_websocket(talk):
    talk.ask(request("GET /ws/echo"), (400, 404, 405, 426))
