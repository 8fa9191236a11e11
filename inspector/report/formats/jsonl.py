"""JSON Lines: exchanges and tunnels as they finish, the rest at the end.

Each line is an object with one name that says what it holds: `exchange`,
`tunnel` or `report`.  A later line with the same `id` replaces an earlier one:
that a leg relays another, or where a tunnel left the bridge, is sometimes
known only after it was written.  The last line is the `report` without its
exchanges and tunnels.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from inspector.model.http import Exchange
from inspector.model.network import Tunnel
from inspector.model.report import Report
from inspector.report.formats.json import dumps, to_plain

STREAMED: Final = ("exchanges", "tunnels")


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

    def finish(self, report: Report) -> None:
        """Write what changed since, then the report itself."""
        self._several_files = len(report.captures) > 1
        for exchange in report.exchanges:
            self.exchange(exchange)
        for tunnel in report.tunnels:
            self.tunnel(tunnel)
        plain = to_plain(report, several_files=self._several_files, without=STREAMED)
        self._out.write(dumps({"report": plain}) + b"\n")

    def _line(self, kind: str, identity: str, fact: Exchange | Tunnel) -> None:
        line = dumps({kind: to_plain(fact, several_files=self._several_files)})
        digest = hash(line)
        if self._written.get(identity) != digest:
            self._written[identity] = digest
            self._out.write(line + b"\n")
            self._out.flush()
