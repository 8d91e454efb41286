"""The rooms of the chat: what a member says goes to all who are in the room."""

import json
import threading

from unicoro.websocket import ConnectionClosed, prepare


class Room:
    def __init__(self):
        self.members = set()
        self.lock = threading.Lock()

    def talk(self, socket):
        """Has a member in the room until it leaves."""
        socket.accept()
        with self.lock:
            self.members.add(socket)
        try:
            self.tell(people=len(self.members))
            for message in socket:
                if isinstance(message, str):
                    self.tell(text=message)
        finally:
            with self.lock:
                self.members.remove(socket)
            self.tell(people=len(self.members))

    def tell(self, **news):
        message = prepare(json.dumps(news))  # made once for all members
        with self.lock:
            members = list(self.members)
        for member in members:
            try:
                member.send(message)
            except ConnectionClosed:
                pass  # its own loop ends too, and takes it out


ROOMS = {name: Room() for name in ("garden", "kitchen", "library")}
