"""JSON Lines: exchanges and tunnels as they finish, the rest at the end.

Each line is an object with one name that says what it holds: `exchange`,
`tunnel` or `report`.  A later line with the same `id` replaces an earlier one:
that a leg relays another, or where a tunnel left the bridge, is sometimes
known only after it was written.  The last line is the `report` without its
exchanges and tunnels.  Where somebody selected some of the calls, the first line is
`filtered`, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from inspector.fact import Fact
from inspector.model.http import Exchange
from inspector.model.network import Tunnel
from inspector.model.report import Report
from inspector.report.formats.json import dumps, text_of, to_plain

if TYPE_CHECKING:
    from inspector.report.selecting import Selected

STREAMED: Final = ("exchanges", "tunnels")


class Filtered(Fact):
    """That the lines hold some of the exchanges and tunnels alone; the report is whole."""

    by: str
    """The options that selected them."""
    requests: int
    """How many requests of clients were selected."""
    of: int
    """How many there are."""


class JsonLines:
    """Writes lines to `out`; `several_files` as for `json.to_plain`.

    Each line is flushed, so that a reader at the other end of a pipe sees it at
    once.  A hash of each line is remembered, not the line, to know what changed.
    """

    def __init__(self, out: BinaryIO, *, several_files: bool) -> None:
        self._out = out
        self._several_files = several_files
        self._written: dict[str, int] = {}

    def exchange(self, exchange: Exchange) -> None:
        """Write a finished exchange, unless this very line was written before."""
        self._line("exchange", exchange.id, exchange)

    def tunnel(self, tunnel: Tunnel) -> None:
        """Write a finished tunnel, unless this very line was written before."""
        self._line("tunnel", tunnel.id, tunnel)

    def finish(self, report: Report, selected: Selected | None = None) -> None:
        """Write what changed since, then the report itself.

        With `selected` only those exchanges and tunnels, behind a line that says so; the report is
        that of the whole run.
        """
        self._several_files = len(report.captures) > 1
        if selected is not None:
            filtered = Filtered(selected.said, selected.calls, selected.of)
            plain = to_plain(filtered, several_files=False)
            self._out.write(dumps({"filtered": plain}) + b"\n")
        shown = report if selected is None else selected.report
        for exchange in shown.exchanges:
            self.exchange(exchange)
        for tunnel in shown.tunnels:
            self.tunnel(tunnel)
        plain = to_plain(report, several_files=self._several_files, without=STREAMED)
        self._out.write(dumps({"report": plain}) + b"\n")

    def _line(self, kind: str, identity: str, fact: Exchange | Tunnel) -> None:
        text = text_of(fact, several_files=self._several_files)
        line = b'{"' + kind.encode() + b'":' + text + b"}"
        digest = hash(line)
        if self._written.get(identity) != digest:
            self._written[identity] = digest
            self._out.write(line + b"\n")
            self._out.flush()
