"""HTTP/2 conversations made by h2, a participant's implementation: the oracle of the observer's."""

from __future__ import annotations

from collections.abc import Sequence

from h2.config import H2Configuration
from h2.connection import H2Connection

Pairs = Sequence[tuple[str, str]]

ASK: Pairs = (
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "172.30.0.30:10001"),
    (":path", "/v1/messages?beta=true"),
    ("content-type", "application/json"),
    ("anthropic-version", "2023-06-01"),
    ("x-api-key", "sk-ant-placeholder-key-for-credential-isolation"),
)
EVENTS: Pairs = ((":status", "200"), ("content-type", "text/event-stream"), ("server", "lab"))
JSON: Pairs = ((":status", "401"), ("content-type", "application/json"), ("server", "lab"))


class Talk:
    """Both ends of one connection; `flights` is what went over the wire, in order."""

    def __init__(self, *, upgraded: bool = False) -> None:
        self.client = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.server = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.flights: list[tuple[bool, bytes]] = []
        if upgraded:
            settings = self.client.initiate_upgrade_connection()
            self.server.initiate_upgrade_connection(settings)
        else:
            self.client.initiate_connection()
            self.server.initiate_connection()
        self.pump()

    def pump(self) -> Talk:
        """Let each end have what the other said."""
        while True:
            up, down = self.client.data_to_send(), self.server.data_to_send()
            if not up and not down:
                return self
            if up:
                self.flights.append((True, up))
                self.server.receive_data(up)
            if down:
                self.flights.append((False, down))
                self.client.receive_data(down)

    def ask(self, head: Pairs = ASK, body: bytes = b"", stream: int | None = None) -> int:
        """A request, whole; its stream."""
        stream = self.client.get_next_available_stream_id() if stream is None else stream
        self.client.send_headers(stream, list(head), end_stream=not body)
        if body:
            self.client.send_data(stream, body, end_stream=True)
        self.pump()
        return stream

    def answer(self, stream: int, head: Pairs, *pieces: bytes, ends: bool = True) -> None:
        """An answer, in DATA frames of these pieces, some of them padded."""
        self.server.send_headers(stream, list(head), end_stream=ends and not pieces)
        for number, piece in enumerate(pieces, 1):
            last = ends and number == len(pieces)
            padding = 7 if number % 2 else None
            self.server.send_data(stream, piece, end_stream=last, pad_length=padding)
            self.pump()
        self.pump()

    def bytes(self, up: bool) -> bytes:
        """All of one direction."""
        return b"".join(data for side, data in self.flights if side is up)
