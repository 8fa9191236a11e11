"""Rows of calls and tunnels made by hand, in milliseconds; a tunnel fits its call perfectly."""

from __future__ import annotations

from typing import Any

from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.model.ids import exchange_id, tunnel_id

MS = 1_000_000
PROXY = "10.9.0.6"
SERVICE = (PROXY, 20001)


def ns(ms: float) -> int:
    """Milliseconds as nanoseconds; -1 stays "not known"."""
    return UNKNOWN if ms == UNKNOWN else round(ms * MS)


def a_call(
    sent: float = 0.0, answered: float = 100.0, done: float | None = None, **other: Any
) -> CallRow:
    """A call whose request was whole at `sent`, and whose answer took from `answered` to `done`."""
    end = answered if done is None else done
    row = CallRow(
        id=exchange_id(1),
        position=0,
        service=SERVICE,
        kind=1,
        connection=1,
        asked=ns(sent),
        sent=ns(sent),
        answered=ns(answered),
        done=ns(end),
        closed=ns(end),
        closed_by="server",
        up=100,
        down=300,
        headers_down=0,
        status=200,
        whole=True,
        voice="relayed",
        marks=0,
        ended_by="complete",
        is_agents=True,
    )
    return row._replace(**other)


def a_tunnel(opened: float = 5.0, last: float = 99.0, **other: Any) -> Carrier:
    """A tunnel opened at `opened` whose last byte, and whose end, came at `last`."""
    row = Carrier(
        id=tunnel_id(1),
        position=0,
        connection=1,
        proxy=PROXY,
        authority="llm.example:443",
        opened=ns(opened),
        first=ns(opened),
        last=ns(last),
        heard=ns(last),
        closed=ns(last),
        status=200,
        failed=False,
        refused=False,
        up=1100,
        down=4000,
        is_whole=True,
    )
    return row._replace(**other)
