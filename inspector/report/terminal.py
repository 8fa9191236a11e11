"""The report as a page for people: the answer first, each number with where to look.

`render` gives text and touches no terminal.  Cells are rich `Text` objects,
never markup, and all captured text passes `escape.visible` before.
"""

from __future__ import annotations

import io
import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from inspector.facts import Client, Credential, Role
from inspector.report import grouping, words
from inspector.report.detail import exchange_table, tunnel_table
from inspector.report.escape import clipped, defused, visible
from inspector.report.layout import STYLES, Rows, notes, table
from inspector.report.model import Report

#: Rows of one table on the first page; -v lifts the limit.
ROWS: Final = 8

_OPENED: Final = ((True, "opened a tunnel"), (False, "refused"), (None, "not known"))


def render(report: Report, *, width: int = 80, color: bool = False, verbosity: int = 0) -> str:
    """The page, at most `width` columns wide, with ANSI colours if `color`.

    Verbosity 0 is one screen; 1 adds every exchange and every tunnel.  The
    text holds no control character but line ends (and colours).
    """
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        force_jupyter=False,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for block in _Page(report, verbosity, width).blocks():
        console.print(block)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return defused("\n".join(lines)) + "\n"


class _Page:
    """The blocks of one page, and what they share."""

    def __init__(self, report: Report, verbosity: int, width: int) -> None:
        self.report = report
        self.width = width
        self.rows = ROWS if verbosity == 0 else None
        self.verbose = verbosity > 0
        self.page = grouping.page(report)
        self.several_files = len(report.captures) > 1
        self.prefix = _prefix(report.topology.subnet)
        self.letters: dict[Credential, str] = {}

    def blocks(self) -> Iterable[RenderableType]:
        yield self.title()
        yield Text("-" * self.width, STYLES["rule"])
        yield self.sentence()
        sections: Sequence[Callable[[], Iterable[RenderableType]]] = (
            self.clients,
            self.failures,
            self.tunnels,
            self.direct_tls,
            self.silent,
            self.exchanges,
            self.oddities,
            self.capture,
        )
        for section in sections:
            yield from section()

    def title(self) -> Text:
        report = self.report
        verdict = report.completeness.verdict
        parts = [*self._length(), words.count(report.completeness.packets, "packet"), "capture "]
        facts = "".join(f"   {part}" for part in parts)
        free = self.width - len("inspector  " + facts + verdict)
        names = [capture.name for capture in report.captures]
        shown = f"{len(names)} files" if len(names) > 1 else "".join(names)
        line = Text("inspector", STYLES["title"])
        line.append(f"  {words.file_name(shown, max(free, 12))}{facts}", "default")
        line.append(verdict.upper(), STYLES[verdict])
        return line

    def _length(self) -> list[str]:
        starts = [c.started_at for c in self.report.captures if c.started_at is not None]
        ends = [c.ended_at for c in self.report.captures if c.ended_at is not None]
        return [words.duration(max(ends) - min(starts))] if starts and ends else []

    def sentence(self) -> Text:
        answers: Counter[str] = Counter()
        for client in self.report.clients:
            answers.update(client.statuses)
        calls = sum(client.requests for client in self.report.clients)
        text = words.count(calls, "call") if calls else "No call to an API was seen"
        if calls:
            told = [
                f"{number} got {'no answer' if status == 'none' else status}"
                for status, number in sorted(answers.items())
            ]
            text += ": " + ", ".join(told)
        tunnels = self.report.tunnels
        if tunnels:
            opened = Counter(tunnel.established for tunnel in tunnels)
            told = [f"{opened[known]} {what}" for known, what in _OPENED if opened[known]]
            text += f". {words.count(len(tunnels), 'CONNECT')}: {', '.join(told)}"
        return Text(f"{text}.\n", STYLES["answer"])

    def clients(self) -> Iterable[RenderableType]:
        clients = self.report.clients
        if not clients:
            return
        rows = Rows(self.rows, len(clients))
        grid = table("client", "service", "auth headers", "answered")
        for client in clients[: rows.shown]:
            grid.add_row(
                self._who(client), self._service(client), self._auth(client), self._answers(client)
            )
        yield Text("WHO SENT WHAT", STYLES["heading"])
        yield from rows.closing(grid)
        if self.letters:
            lines = table("", "", header=False)
            for credential, letter in self.letters.items():
                lines.add_row(
                    Text(letter, STYLES["letter"]),
                    Text(words.credential(credential), self._credential_style(credential)),
                )
            yield Padding(lines, (0, 0, 1, 2))

    def _who(self, client: Client) -> Text:
        agent = client.user_agent
        name = "no user agent" if agent is None else clipped(agent, words.CELL)
        return Text(f"{name}\n{visible(client.ip)} {client.role}")

    def _service(self, client: Client) -> Text:
        return Text(f"{words.service(client.service, self.prefix)}\n{client.provider}")

    def _auth(self, client: Client) -> Text:
        if not client.auth_headers:
            return Text("none", STYLES["bad"])
        cell = Text()
        for auth in client.auth_headers:
            letter = self.letters.setdefault(auth.credential, _letter(len(self.letters)))
            cell.append(letter, STYLES["letter"]).append(f" {words.header(auth)}")
            if auth.requests != client.requests:
                cell.append(f" ({auth.requests} of {client.requests})")
            cell.append("\n")
        cell.rstrip()
        return cell

    def _answers(self, client: Client) -> Text:
        calls = grouping.made_by(client, self.page.calls)
        cell = Text()
        for status, number in sorted(client.statuses.items()):
            ids = [call.id for call in calls if grouping.status(call) == status]
            cell.append(f"{status} x{number}", _status_style(status))
            cell.append(f"  {words.some(ids)}\n" if ids else "\n")
        cell.rstrip()
        return cell

    def _credential_style(self, credential: Credential) -> str:
        return STYLES["bad" if credential.anomalies else "default"]

    def failures(self) -> Iterable[RenderableType]:
        groups = self.page.failures
        if not groups:
            return
        rows = Rows(self.rows, len(groups))
        grid = table("status", "as the packets state it", "in")
        for group in groups[: rows.shown]:
            status = grouping.status(group[0])
            grid.add_row(
                Text(f"{status} x{len(group)}", STYLES["bad"]),
                grouping.failure(group[0]),
                words.some([call.id for call in group]),
            )
        yield Text("FAILED OR CUT", STYLES["heading"])
        yield from rows.closing(grid)

    def tunnels(self) -> Iterable[RenderableType]:
        groups = self.page.tunnels
        if not groups:
            return
        rows = Rows(self.rows, len(groups))
        grid = table("opened by", "authority", "CONNECT", "TLS", "carried")
        for group in groups[: rows.shown]:
            first = group[0]
            up = sum(tunnel.bytes_up for tunnel in group)
            down = sum(tunnel.bytes_down for tunnel in group)
            inside = [exchange for tunnel in group for exchange in tunnel.exchanges]
            if inside:
                carried = words.some(inside)
            elif up or down:
                carried = f"{words.size(up)} up\n{words.size(down)} down"
            else:
                carried = "nothing"
            authority = "not seen"
            if first.authority is not None:
                authority = clipped(first.authority, words.CELL)
            egress = sorted({t.egress.server.ip for t in group if t.egress is not None})
            if egress:
                authority += f"\nat {visible(words.some(egress))}"
            grid.add_row(
                f"{words.address(first.client.ip, self.prefix)} {self._role(first.client.ip)}"
                f"\n{words.some([tunnel.id for tunnel in group])}",
                authority,
                Text(
                    f"{words.connect_reply(first)} x{len(group)}",
                    STYLES["default" if first.established else "bad"],
                ),
                words.tls_outcome(first),
                carried,
            )
        heading = Text("TUNNELS", STYLES["heading"])
        heading.append('   200 means "tunnel opened", never "API answered"', "default")
        yield heading
        yield from rows.closing(grid)
        if self.verbose:
            yield from notes(tunnel_table(self.report, self.prefix))

    def direct_tls(self) -> Iterable[RenderableType]:
        groups = self.page.direct_tls
        if not groups:
            return
        rows = Rows(self.rows, len(groups))
        grid = table("client", "server", "SNI", "TLS", "carried", "packet")
        for group in groups[: rows.shown]:
            first = group[0]
            up = sum(direct.bytes_up for direct in group)
            down = sum(direct.bytes_down for direct in group)
            grid.add_row(
                f"{words.address(first.client.ip, self.prefix)} {self._role(first.client.ip)}"
                f" x{len(group)}",
                words.service(first.server, self.prefix),
                "none" if first.tls.sni is None else clipped(first.tls.sni, words.CELL),
                first.tls.handshake,
                f"{words.size(up)} up\n{words.size(down)} down",
                self._packets([first.packet]),
            )
        heading = Text("DIRECT TLS", STYLES["heading"])
        heading.append("   outside of any tunnel", "default")
        yield heading
        yield from rows.closing(grid)

    def silent(self) -> Iterable[RenderableType]:
        groups = self.page.silent
        if not groups:
            return
        rows = Rows(self.rows, len(groups))
        grid = table("client", "server", "outcome", "closed by", "packets")
        for group in groups[: rows.shown]:
            first = group[0]
            listed = self._packets([connection.packet for connection in group[:3]])
            carried = sum(connection.bytes_up + connection.bytes_down for connection in group)
            outcome = f"{first.outcome} x{len(group)}"
            if carried:
                outcome += f", {words.size(carried)}"
            grid.add_row(
                f"{words.address(first.client.ip, self.prefix)} {self._role(first.client.ip)}",
                words.service(first.server, self.prefix),
                Text(
                    outcome,
                    STYLES["default" if first.outcome == "established" else "bad"],
                ),
                first.closed_by or "still open",
                listed + (f" +{len(group) - 3}" if len(group) > 3 else ""),
            )
        yield Text("CONNECTIONS WITHOUT HTTP OR TLS", STYLES["heading"])
        yield from rows.closing(grid)

    def exchanges(self) -> Iterable[RenderableType]:
        if self.verbose and self.report.exchanges:
            yield Text("EXCHANGES", STYLES["heading"])
            yield from notes(exchange_table(self.report))

    def oddities(self) -> Iterable[RenderableType]:
        oddities = self.report.oddities
        if not oddities:
            return
        rows = Rows(self.rows, len(oddities))
        grid = table("name", "count", "packets", "detail")
        for oddity in oddities[: rows.shown]:
            grid.add_row(
                visible(oddity.name),
                f"{oddity.count:,}",
                self._packets(oddity.packets[:3]),
                clipped(oddity.detail, words.CELL),
            )
        yield Text("ODDITIES", STYLES["heading"])
        yield from rows.closing(grid)

    def capture(self) -> Iterable[RenderableType]:
        completeness, topology = self.report.completeness, self.report.topology
        heading = Text("CAPTURE ", STYLES["heading"])
        heading.append(completeness.verdict.upper(), STYLES[completeness.verdict])
        yield heading
        known = ", ".join(
            f"{role} {visible(words.some(ips))}" for role, ips in self._roles() if ips
        )
        scope: str = topology.scope
        if scope == "subnet" and topology.subnet:
            scope += f" {visible(topology.subnet)}"
        lines = [
            *(visible(reason) for reason in completeness.because),
            *(f"limit hit: {visible(limit)}" for limit in completeness.limits_hit),
            f"roles from {visible(topology.source)}: {known or 'none known'}; scope {scope}",
            *(visible(note) for note in topology.notes),
        ]
        grid = table("", header=False)
        for line in lines:
            grid.add_row(line)
        yield Padding(grid, (0, 0, 0, 2))

    def _role(self, ip: str) -> str:
        for role, known in self._roles():
            if any(ip in (host, host.rpartition(":")[0].strip("[]")) for host in known):
                return role
        return "other"

    def _roles(self) -> tuple[tuple[Role, tuple[str, ...]], ...]:
        topology = self.report.topology
        return (
            ("agent", topology.agent),
            ("api-proxy", topology.api_proxy),
            ("forward-proxy", topology.forward_proxy),
        )

    def _packets(self, references: Iterable[int]) -> str:
        return words.packets(references, several_files=self.several_files)


def _prefix(subnet: str | None) -> str | None:
    """`172.30.0.` for a /24; None where the last octet alone would not tell hosts apart."""
    if subnet is None:
        return None
    try:
        network = ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        return None
    if network.version != 4 or network.prefixlen < 24:
        return None
    return str(network.network_address).rpartition(".")[0] + "."


def _letter(index: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _status_style(status: str) -> str:
    return STYLES["good" if status.startswith(("1", "2", "3")) else "bad"]
