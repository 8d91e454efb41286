"""The register of the views, and what they are made of."""

import io
import time

VIEWS = {}
SKIPPED = {}


def library(make):
    """Calls `make`, which imports a library and returns a view of it; without the library, none."""
    try:
        VIEWS[make.__name__] = make()
    except ModuleNotFoundError as error:
        SKIPPED[make.__name__] = error.name
    return make


def check(found, wanted):
    if found != wanted:
        raise AssertionError(f"{found!r:.500} is not {wanted!r:.500}")


def fails(error, call, *arguments):
    """The message of the error that this call must raise."""
    try:
        answer = call(*arguments)
    except error as raised:
        return str(raised)
    raise AssertionError(f"{answer!r:.500} is no {error.__name__}")


class Rest:
    """Called in the middle of something, it sleeps: its first four calls make up the whole time."""

    TIMES = 4

    def __init__(self, seconds):
        self.seconds = seconds
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.TIMES:
            time.sleep(self.seconds / self.TIMES)


class SlowFile(io.BytesIO):
    """A file that a library must wait for; as files do, it gives as much as is asked for."""

    def __init__(self, content, rest):
        super().__init__(content)
        self.rest = rest

    def read(self, size=-1):
        self.rest()
        return super().read(size)

    def readinto(self, buffer):
        self.rest()
        return super().readinto(buffer)


class SlowPipe(SlowFile):
    """One that gives a quarter at most, as a socket may, unless all is asked for."""

    def __init__(self, content, rest):
        super().__init__(content, rest)
        self.piece = 1 + len(content) // Rest.TIMES

    def read(self, size=-1):
        return super().read(size if size is None or size < 0 else min(size, self.piece))

    read1 = read

    def readinto(self, buffer):
        return super().readinto(memoryview(buffer)[:self.piece])


class SlowText(io.StringIO):
    """Text that comes in quarters."""

    def __init__(self, content, rest):
        super().__init__(content)
        self.rest = rest
        self.piece = 1 + len(content) // Rest.TIMES

    def read(self, size=-1):
        self.rest()
        return super().read(size if size is None or size < 0 else min(size, self.piece))

    def readline(self, size=-1):
        self.rest()
        return super().readline(size)

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line


class SlowWriter(io.BytesIO):
    def __init__(self, rest):
        super().__init__()
        self.rest = rest

    def write(self, content):
        self.rest()
        return super().write(content)


class Thing:
    """What a library does not know, and asks about."""

    def __init__(self, token):
        self.token = token


def known(rest):
    """Answers the library."""
    def default(thing):
        rest()
        return thing.token
    return default


def document(token):
    return {"token": token, "numbers": [int(token) + number for number in range(20)],
            "nested": {"text": f"Gr\u00fc\u00dfe {token} " * 10, "none": None,
                       "half": int(token) / 2}}


def with_things(token):
    """A document, and the same with what the library does not know."""
    plain = {"token": token, "things": [token] * 6}
    return plain, {"token": token, "things": [Thing(token) for _ in range(6)]}
