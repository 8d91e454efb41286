"""fastapi.testclient is Starlette's."""

from own_clients.starlette import Client  # noqa: F401
