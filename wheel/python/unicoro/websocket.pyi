from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, type_check_only

from typing_extensions import Self

class ConnectionClosed(Exception):
    """The connection is closed: nothing more can be sent, and all messages that came were received."""

    code: int
    reason: str
    def __init__(self, code: int = 1006, reason: str = "") -> None: ...

class HandshakeError(ConnectionClosed):
    """The request breaks a rule of the handshake: the client is answered 400 or 426."""

class WebSocketError(Exception):
    """What a `wsgi.websocket` raises that nothing can be sent on."""

class GeventWebSocket:
    """`environ["wsgi.websocket"]`: a WebSocket with gevent-websocket's methods."""

    version: str | None
    path: str | None
    origin: str | None
    def __init__(self, websocket: WebSocket, environ: dict[str, Any]) -> None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def protocol(self) -> str | None: ...
    def receive(self) -> str | bytes | None: ...
    def send(self, message: str | bytes | bytearray, binary: bool | None = None) -> None: ...
    def close(self, code: int = 1000, message: str | bytes = b"") -> None: ...

# The next two are to annotate with, below `if TYPE_CHECKING:`. When the program runs they are the engine's, and
# this module has none of them.
@type_check_only
class PreparedMessage:
    """A message that many clients are sent."""

def prepare(data: str | bytes | bytearray | memoryview) -> PreparedMessage:
    """A message that many clients are sent: it is framed and compressed once."""

@type_check_only
class WebSocket:
    """`environ["unicoro.websocket"]`; it cannot be made otherwise."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
    @property
    def close_code(self) -> int | None: ...
    @property
    def close_reason(self) -> str | None: ...
    @property
    def subprotocol(self) -> str | None:
        """The one that was accepted."""
    @property
    def subprotocols(self) -> list[str]:
        """What the client offers, in its order of preference."""
    def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[str, str]] = ()
    ) -> None: ...
    def receive(self, timeout: float | None = None) -> str | bytes: ...
    def recv(self, timeout: float | None = None) -> str | bytes: ...
    def send(self, data: str | bytes | bytearray | memoryview | PreparedMessage) -> None: ...
    def close(self, code: int = 1000, reason: str = "") -> None: ...
    def serve(
        self,
        on_message: Callable[[WebSocket, str | bytes], object],
        on_close: Callable[[WebSocket], object] | None = None,
    ) -> None:
        """Leaves it to callbacks, once the view has returned: no thread waits for its messages."""
    def __iter__(self) -> Iterator[str | bytes]: ...
    def __next__(self) -> str | bytes: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
