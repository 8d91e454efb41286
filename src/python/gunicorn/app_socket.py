"""The client's socket, when some of what it has sent was received before the socket was asked for."""

import socket


class ClientSocket(socket.socket):
    """Gives what was received already before it receives. Only recv and recv_into (which makefile
    uses) know of it; select and its like do not."""

    def __init__(self, fd, received):
        super().__init__(fileno=fd)
        self._received = received

    def recv(self, size, flags=0):
        if not self._received or size < 0:
            return super().recv(size, flags)
        taken = self._received[:size]
        if not flags & socket.MSG_PEEK:
            self._received = self._received[size:]
        return taken

    def recv_into(self, buffer, nbytes=0, flags=0):
        if not self._received:
            return super().recv_into(buffer, nbytes, flags)
        with memoryview(buffer) as view, view.cast("B") as room:
            taken = self.recv(min(nbytes or len(room), len(room)), flags)
            room[:len(taken)] = taken
        return len(taken)
