"""select and its kin, on sockets, and a pipe."""

import os
import select
import selectors
import socket

from .view import ask, later, read_answer, upstream, view


def receive_when(is_ready, token, seconds):
    with socket.create_connection(upstream()) as connection:
        ask(connection, token, seconds)
        return read_answer(lambda size: is_ready(connection) and connection.recv(size))


@view
def with_select(token, seconds):
    return receive_when(lambda fd: select.select([fd], [], [])[0], token, seconds)


@view
def with_select_and_timeout(token, seconds):
    return receive_when(lambda fd: select.select([fd], [], [], 20)[0], token, seconds)


@view
def select_times_out(token, seconds):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        return token if select.select([ours], [], [ours], seconds) == ([], [], []) else "ready"


def polled(poller_type, readable, timeout):
    def is_ready(connection):
        poller = poller_type()
        poller.register(connection, readable)
        return poller.poll(timeout)

    return is_ready


@view
def with_poll(token, seconds):
    return receive_when(polled(select.poll, select.POLLIN, None), token, seconds)


def when_nothing_comes(is_ready, token):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        return token if is_ready(ours) == [] else "ready"


@view
def poll_times_out(token, seconds):
    return when_nothing_comes(polled(select.poll, select.POLLIN, seconds * 1000), token)


@view
def with_epoll(token, seconds):
    return receive_when(polled(select.epoll, select.EPOLLIN, None), token, seconds)


@view
def epoll_times_out(token, seconds):
    return when_nothing_comes(polled(select.epoll, select.EPOLLIN, seconds), token)


@view
def with_selectors(token, seconds):
    def is_ready(connection):
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ, token)
            return selector.select()[0][0].data == token

    return receive_when(is_ready, token, seconds)


@view
def with_pipe(token, seconds):
    reader, writer = os.pipe()
    try:
        later(seconds, os.write, writer, token.encode())
        return os.read(reader, 100).decode()
    finally:
        os.close(reader)
        os.close(writer)
