"""A WebSocket as a layer: how many messages went each way, and how it was closed."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.exchanges.layers import Opaque
from inspector.exchanges.listener import Listener
from inspector.exchanges.open_exchange import OpenExchange
from inspector.model.http import WebSocket
from inspector.protocols.messages import EVERYTHING
from inspector.protocols.websocket import FrameCounter
from inspector.wire import Segment


class WebSocketLayer(Opaque):
    """Counts the frames behind a 101, and keeps the count in its exchange."""

    __slots__ = ("_draft", "_frames", "_listener")

    def __init__(
        self,
        draft: OpenExchange,
        listener: Listener | None = None,
        start: tuple[int, int] = (0, 0),
    ) -> None:
        self._draft = draft
        self._listener = listener
        self._frames = {
            up: FrameCounter(None if listener is None else start[up]) for up in (True, False)
        }
        draft.websocket = WebSocket(0, 0, None, None)

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        for _, _, data in segments:
            self._frames[up].feed(data)
        if self._listener is not None:
            for place in self._frames[up].take_places():
                self._listener.numbers(up, place)
        self._tell(up)

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes of a message passed."""
        self._frames[up].skip(count)

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing: where the next frame begins is not known."""
        self._frames[up].lose()

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        """Frames cannot do without their bytes."""
        return False

    def wanted(self, up: bool) -> int:
        """Heads, and nothing of the messages."""
        frames = self._frames[up]
        return EVERYTHING if frames.is_lost or frames.is_closed else frames.skippable

    def settled(self, up: bool) -> int:
        """All but a head that is not whole."""
        return self._frames[up].settled

    def _tell(self, up: bool) -> None:
        before, frames = self._draft.websocket, self._frames
        assert before is not None
        code, by = before.close_code, before.closed_by
        if by is None and frames[up].is_closed:
            code, by = frames[up].close_code, "client" if up else "server"
        self._draft.websocket = WebSocket(frames[True].messages, frames[False].messages, code, by)
