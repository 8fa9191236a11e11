"""Puts what is known of a connection's processes onto its first packet, as comments.

A claim that comes when that packet is already written goes onto the next one:
the comment itself names its connection.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, TypeAlias

from inspector.exchanges.processes import SocketOwner, comment
from inspector.fact import replace
from inspector.model.network import Endpoint
from inspector.wire import Batch

#: Connections remembered whose first packet is written, and claims without a connection yet.
_REMEMBERED: Final = 65_536

_Key: TypeAlias = tuple[Endpoint, Endpoint]


class Annotations:
    """Comments waiting for their packets."""

    def __init__(self) -> None:
        self._opened: deque[tuple[int, _Key]] = deque()
        self._early: OrderedDict[_Key, list[str]] = OrderedDict()
        #: By their hashes, in the order in which they were written: a third of the memory.
        self._written: OrderedDict[int, None] = OrderedDict()
        self._late: list[str] = []

    def opened(self, client: Endpoint, server: Endpoint, packet: int) -> None:
        """A connection begins with this packet (references ascend)."""
        self._opened.append((packet, (client, server)))

    def claim(self, claim: SocketOwner) -> None:
        """What was learned of a connection's end."""
        key = claim.client, claim.server
        if hash(key) in self._written:
            self._late.append(comment(claim))
            return
        self._early.setdefault(key, []).append(comment(claim))
        if len(self._early) > _REMEMBERED:
            self._early.popitem(last=False)

    def annotate(self, batch: Batch) -> Batch:
        """The batch with its comments, ready to be written."""
        added: dict[int, list[str]] = {}
        end = batch.first_packet + len(batch.records)
        while self._opened and self._opened[0][0] < end:
            packet, key = self._opened.popleft()
            texts = self._early.pop(key, None)
            if texts:
                added.setdefault(max(0, packet - batch.first_packet), []).extend(texts)
            self._written[hash(key)] = None
            self._written.move_to_end(hash(key))
            if len(self._written) > _REMEMBERED:
                self._written.popitem(last=False)
        if self._late and batch.records:
            added.setdefault(0, []).extend(self._late)
            self._late = []
        if not added:
            return batch
        comments = dict(batch.comments)
        for at, texts in added.items():
            comments[at] = (*comments.get(at, ()), *texts)
        return replace(batch, comments=comments)
