"""A tunnel that was assigned to a call, with what its confidence is told from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from inspector.chain.rows import CallRow, Carrier
from inspector.fact import Changing

#: Tunnels on either side that tell whether the API proxy had a queue.
_QUEUE: Final = 4


class Link(Changing):
    """A tunnel assigned to a call.  `margin`: how much more the next best explanation costs.

    `crowd` calls waited when the tunnel was opened, this one among them, and `choice` tunnels
    were opened while the call waited.
    """

    call: int
    carrier: int
    margin: float
    crowd: int
    choice: int
    #: The request's size is that of no call near it, and the tunnel carried just that.
    is_told_by_size: bool = False
    #: Tunnels near it came as late after their calls: the API proxy has a queue.
    is_queued: bool = False


def mark_queued(
    links: Collection[Link], calls: Sequence[CallRow], carriers: Sequence[Carrier]
) -> None:
    """Mark the links whose neighbours, by the order of tunnels, waited half as long or more.

    The API proxy is one thread: with many calls at once all tunnels come late.
    """
    if len(links) <= _QUEUE:
        return
    ordered = sorted(links, key=lambda link: link.carrier)
    waits = [carriers[link.carrier].opened - calls[link.call].begun for link in ordered]
    for place, link in enumerate(ordered):
        near = sorted(waits[max(0, place - _QUEUE) : place] + waits[place + 1 : place + 1 + _QUEUE])
        link.is_queued = len(near) >= _QUEUE and 2 * near[len(near) // 2] >= waits[place]
