"""The behaviours, by what they are about."""

from . import answers, bodies, connections, ends, requests, tasks, websockets  # noqa: F401
