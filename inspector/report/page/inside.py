"""What was read inside TLS: how much of it, and what of a client's request the API really got.

Without keys there is no such block.  Calls of which the same became are one row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from inspector.fact import Fact
from inspector.model.conclusions import Chain, HeaderChange
from inspector.model.network import Decryption, DecryptionState
from inspector.report.page import words
from inspector.report.page.escape import clipped, visible
from inspector.report.page.grouping import groups
from inspector.report.page.layout import STYLES, Rows, table
from inspector.report.page.view import View
from inspector.secrets.positions import CREDENTIAL_HEADERS

#: What a tunnel was, in the order in which it is told.
_READ: Final[dict[DecryptionState, str]] = {
    "decrypted": "read whole",
    "partial": "read in part",
    "no-keys": "without keys",
    "failed": "could not be opened",
}
#: Fields by which credentials are told besides those that a request's `auth` names.
_ALWAYS: Final = frozenset(name.decode("ascii") for name in CREDENTIAL_HEADERS)
#: Key logs that are named.
_LOGS: Final = 3


class InsideRow(Fact):
    """Calls alike: each line a field as the client sent it and as the API got it."""

    sent: tuple[str, ...]
    got: tuple[str, ...]
    answers: str
    calls: str


def reading(view: View) -> str | None:
    """How many TLS connections were read, and where the keys came from; None without keys."""
    keys = view.report.keys
    if keys is None:
        return None
    found = [t.decryption for t in view.report.tunnels if t.decryption is not None]
    found += [d.decryption for d in view.report.direct_tls if d.decryption is not None]
    counts = Counter(one.state for one in found)
    told = [f"{counts[state]} {word}" for state, word in _READ.items() if counts[state]]
    sources = _names(keys.key_logs)
    if keys.embedded:
        sources.append("the capture itself")
    if keys.processes:
        sources.append(words.count(keys.processes, "running program"))
    refused = _names(keys.unread_logs)
    lines = [f"{' and '.join(refused)} could not be read"] if refused else []
    whence = " and ".join(sources)
    if lines and not sources:
        return lines[0]
    if not keys.secrets:
        nothing = f"{whence} holds no secret" if sources else "no probe saw a secret"
        return "; ".join((nothing, *lines))
    connections = words.count(len(found), "TLS connection")
    read = f"keys from {whence}: of {connections} {', '.join(told or ['none was read'])}"
    return "; ".join((read, *lines))


def _names(logs: Sequence[str]) -> list[str]:
    """The first few, and how many more there are."""
    names = [clipped(name, 60) for name in logs[:_LOGS]]
    more = len(logs) - len(names)
    return [*names, *([words.count(more, "more key log")] if more else [])]


def unread(view: View) -> str | None:
    """That tunnels of a live capture carried what `--keys` would have read; None of others."""
    live = view.report.live
    if live is None or any(rung.name == "keys" for rung in live.rungs):
        return None
    carried = sum(t.tls is not None and t.tls.handshake == "complete" for t in view.report.tunnels)
    if not carried:
        return None
    return f"not read: what {words.count(carried, 'tunnel')} carried needs `capture --keys`"


def why_not(view: View) -> tuple[str, ...]:
    """Why some were not read, each reason once."""
    found: list[Decryption | None] = [t.decryption for t in view.report.tunnels]
    found += [d.decryption for d in view.report.direct_tls]
    return tuple(dict.fromkeys(one.because for one in found if one is not None and one.because))


def inside_rows(view: View) -> tuple[InsideRow, ...]:
    """What became of the calls' headers, in the order of the first of each."""
    chains = [chain for chain in view.report.chains if chain.upstream_exchanges]
    return tuple(_row(view, group) for group in groups(chains, _alike))


def _alike(chain: Chain) -> tuple[object, ...]:
    shown = tuple((c.name, c.change, c.client, c.upstream) for c in _told(chain))
    added = tuple(c.name for c in chain.header_diff if c.change == "injected")
    return shown, added, len(chain.upstream_exchanges), chain.status


def _told(chain: Chain) -> list[HeaderChange]:
    """The credentials, and what else was taken off or got another value."""
    return [
        change
        for change in chain.header_diff
        if (change.change in ("stripped", "replaced", "changed") and change.name != "host")
        or change.name in _ALWAYS
    ]  # fmt: skip


def _row(view: View, group: Sequence[Chain]) -> InsideRow:
    first = group[0]
    told = _told(first)
    shown = {change.name for change in told}
    added = [
        change.name
        for change in first.header_diff
        if change.change == "injected" and change.name not in shown
    ]
    sent = [_value(change.name, change.client) for change in told]
    got = [_value(change.name, change.upstream, change.change) for change in told]
    if added:
        sent.append("-")
        got.append(f"added: {clipped(', '.join(added), words.CELL)}")
    asked = len(first.upstream_exchanges)
    answers = "no answer" if first.status is None else str(first.status)
    if asked > 1:
        answers += f" after {asked} requests"
    calls = [view.call(chain.agent_exchange) for chain in group]
    return InsideRow(tuple(sent), tuple(got), answers, words.some(calls))


def _value(name: str, value: str | None, change: str = "") -> str:
    if value is None:
        return f"{visible(name)} taken off" if change == "stripped" else "-"
    return f"{visible(name)}: {clipped(value, words.CELL)}"


def inside(view: View, limit: int | None) -> Iterable[RenderableType]:
    """The block of the page."""
    told = reading(view) or unread(view)
    if told is None:
        return
    heading = Text("INSIDE TLS", STYLES["heading"])
    heading.append(f"   {told}", "default")
    yield heading
    for reason in why_not(view):
        yield Text(f"  {reason}", STYLES["rule"])
    found = inside_rows(view)
    rows = Rows(limit, len(found))
    if not found:
        yield Text("")
        return
    grid = table("client sent", "upstream got", "status", "in")
    for row in found[: rows.shown]:
        for number, (sent, got) in enumerate(zip(row.sent, row.got, strict=True)):
            is_first = not number
            grid.add_row(sent, got, row.answers if is_first else "", row.calls if is_first else "")
    yield from rows.closing(grid)
