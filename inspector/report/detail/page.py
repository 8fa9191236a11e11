"""One exchange, tunnel or connection in full, for a terminal.

All captured text passes `escape.visible` or `escape.clipped`; cells are text, never markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from inspector.model.conclusions import RELIABLE, Chain
from inspector.model.http import Exchange, Hop
from inspector.model.network import Connection, Process, Tunnel
from inspector.model.report import Report
from inspector.report.detail.facts import Detail, Lane, Leg, Step, StepKind
from inspector.report.detail.messages import answer_lines, auth_rows, header_lines, request_line
from inspector.report.page import words
from inspector.report.page.escape import clipped, defused, visible
from inspector.report.page.layout import STYLES, Rows, notes, printed, table
from inspector.report.page.listings import exchange_table
from inspector.report.page.view import View
from inspector.report.selecting import Selected

#: Exchanges that stand beside each other; more are listed, a line each.
_BESIDE: Final = 3
#: Rows of one table.
_ROWS: Final = 40
#: The longest captured text of one line.
_LINE: Final = 400

_LANES: Final[dict[Lane, str]] = {
    "client": "client",
    "api-proxy": "API proxy",
    "forward-proxy": "Squid",
    "upstream": "API",
}

_HOPS: Final[dict[Hop, str]] = {
    "agent-to-api-proxy": "agent -> API proxy",
    "agent-to-forward-proxy": "agent -> Squid",
    "forward-proxy-to-api-proxy": "Squid -> API proxy",
    "api-proxy-to-forward-proxy": "API proxy -> Squid",
    "inside-tunnel": "inside",
    "other": "",
}
_BEGINS: Final[dict[StepKind, StepKind]] = {"request-end": "request", "response-end": "response"}
#: Steps so near to the one before, and of the same message, are not told apart (ns).
_AT_ONCE: Final = 1_000_000


def page(
    detail: Detail,
    report: Report,
    *,
    width: int = 80,
    color: bool = False,
    limit: int | None = None,
) -> str:
    """The page, at most `width` columns wide but for the filter, with ANSI colours if `color`.

    `limit` is how many rows a table has at most, 0 for all; None: 40.
    """
    view = View(report)
    blocks = _blocks(detail, view, width, _rows(limit))
    # A filter is copied: it stays one line, however long.
    wide = f"  {detail.display_filter or 'no packet'}\n"
    return printed(blocks, width=width, color=color) + defused(wide)


def listed(
    selected: Selected, *, width: int = 80, color: bool = False, limit: int | None = None
) -> str:
    """The exchanges of a report that were selected, a row each; `limit` as for `page`."""
    report = selected.report
    rows = Rows(_rows(limit), len(report.exchanges))

    def blocks() -> Iterator[RenderableType]:
        if selected.said:
            yield Text(f"{selected.sentence}.\n", STYLES["unknown"])
        if not rows.total:
            yield Text("No exchange.")
            return
        heading = Text("EXCHANGES", STYLES["heading"])
        yield heading.append("   inspector show FILE ID shows each of them in full", "default")
        yield from rows.closing(exchange_table(report, rows.shown))

    return printed(blocks(), width=width, color=color)


def _rows(limit: int | None) -> int | None:
    return _ROWS if limit is None else limit or None


def _blocks(detail: Detail, view: View, width: int, limit: int | None) -> Iterator[RenderableType]:
    yield _title(detail, view)
    yield Text("-" * width, STYLES["rule"])
    for each in detail.findings:
        label = "CAUSE" if each.is_cause else each.severity
        line = Text(f"{label}  ", STYLES["heading"])
        yield line.append(f"{visible(each.code)}  {clipped(each.title, _LINE)}", "default")
    if detail.findings:
        yield Text()
    beside = detail.legs[:_BESIDE] if detail.id[0] in "eh" else ()
    if beside:
        yield from _messages(beside)
    yield from _listed(detail.legs[len(beside) :], limit)
    yield from _tunnels(detail, view)
    yield from _direct(detail, view)
    yield from _connections(detail, view, limit)
    yield from _steps(detail, view, limit)
    heading = Text("WIRESHARK", STYLES["heading"])
    if detail.packet_ranges:
        told = "   these packets alone, without credentials: --extract OUT.pcapng"
        heading.append(told, "default")
    yield heading
    if len(detail.captures) > 1:
        yield Text(f"  in {visible(words.some(detail.captures))}")


def _title(detail: Detail, view: View) -> Text:
    line = Text(f"{detail.id}  ", STYLES["title"])
    if detail.id[0] in "eh" and detail.legs:
        legs = [leg.exchange for leg in detail.legs]
        first = next((each for each in legs if each.id == detail.id), legs[0])
        line.append(f"{request_line(first)}  ", "default")
        line.append(*_status(first))
        line.append(f"  {first.provider}", "default")
    elif detail.id[0] == "t":
        tunnel = detail.tunnels[0]
        authority = (
            "not seen" if tunnel.authority is None else clipped(tunnel.authority, words.CELL)
        )
        line.append(f"CONNECT {authority}  {words.connect_reply(tunnel)}", "default")
    elif detail.connections:
        line.append(_between(detail.connections[0], view), "default")
    return line


def _status(exchange: Exchange) -> tuple[str, str]:
    response = exchange.response
    if response is None:
        return "no answer", STYLES["bad"]
    whole = response.complete or exchange.upgrade is not None
    said = f"{response.status}" if whole else f"{response.status}, not whole"
    return said, STYLES["good" if response.status < 400 and whole else "bad"]


def _between(connection: Connection, view: View) -> str:
    ends = (connection.client, connection.server)
    client, server = (words.service(end, view.prefix) for end in ends)
    return f"{client} {view.role(ends[0].ip)} -> {server} {view.role(ends[1].ip)}"


# -- exchanges -----------------------------------------------------------------------------------


def _messages(legs: Sequence[Leg]) -> Iterator[RenderableType]:
    heads = [_head(leg) for leg in legs]
    rows = auth_rows([leg.exchange for leg in legs])
    grid = table("", *heads)
    for name, *values in rows:
        grid.add_row(name, *values)
    yield Text("AUTH", STYLES["heading"])
    if rows:
        yield from notes(grid)
    else:
        whole = all(leg.exchange.request and leg.exchange.request.complete for leg in legs)
        yield from notes(Text("no credential" if whole else "no credential in what was read"))
    yield from _side_by_side("REQUEST", heads, [header_lines(leg.exchange.request) for leg in legs])
    yield from _side_by_side("ANSWER", heads, [answer_lines(leg.exchange) for leg in legs])
    yield from _side_by_side("TIMING", heads, [timing_lines(leg) for leg in legs])


def _side_by_side(
    title: str, heads: Sequence[str], cells: Sequence[Sequence[str]]
) -> Iterator[RenderableType]:
    """Lines of each hop in a column of its own, each in its own order."""
    grid = table(*heads)
    for column in grid.columns:
        column.ratio = 1
    grid.add_row(*("\n".join(lines) for lines in cells))
    yield Text(title, STYLES["heading"])
    yield from notes(grid)


def _head(leg: Leg) -> str:
    exchange = leg.exchange
    hop = _HOPS.get(exchange.hop, exchange.hop)
    return f"{exchange.id} {hop}" + (f" {exchange.tunnel}" if exchange.tunnel else "")


def timing_lines(leg: Leg) -> list[str]:
    """How long it took, in seconds from the first byte of the request on."""
    timing, response = leg.timing, leg.exchange.response
    stream = None if response is None else response.stream
    told = [
        ("request whole", timing.request),
        ("first byte", timing.first_byte),
        ("last byte", timing.last_byte),
        ("longest silence", None if stream is None else stream.longest_silence),
    ]
    lines = [f"{what}: {words.seconds(value)}" for what, value in told if value is not None]
    return lines or ["not known: it was not seen whole"]


def _listed(legs: Sequence[Leg], limit: int | None) -> Iterator[RenderableType]:
    if not legs:
        return
    rows = Rows(limit, len(legs))
    grid = table("id", "request", "status", "first byte", "last byte")
    for leg in legs[: rows.shown]:
        status, style = _status(leg.exchange)
        timing = leg.timing
        grid.add_row(
            leg.exchange.id,
            request_line(leg.exchange),
            Text(status, style),
            "-" if timing.first_byte is None else words.seconds(timing.first_byte),
            "-" if timing.last_byte is None else words.seconds(timing.last_byte),
        )
    heading = Text("EXCHANGES", STYLES["heading"])
    heading.append("   inspector show shows each of them in full", "default")
    yield heading
    yield from rows.closing(grid)


# -- what carried them ---------------------------------------------------------------------------


def _tunnels(detail: Detail, view: View) -> Iterator[RenderableType]:
    for tunnel in detail.tunnels:
        heading = Text(f"TUNNEL {tunnel.id}", STYLES["heading"])
        heading.append(f"   {'; '.join(_joined(tunnel, detail.chains, view))}", "default")
        yield heading
        client, proxy = (words.service(end, view.prefix) for end in (tunnel.client, tunnel.proxy))
        authority = (
            "CONNECT not seen" if tunnel.authority is None else clipped(tunnel.authority, 200)
        )
        reply = words.connect_reply(tunnel)
        if tunnel.reply_latency is not None:
            reply += f" after {words.seconds(tunnel.reply_latency)}"
        lines = [f"{client} -> {proxy}  {authority}  {reply}"]
        if tunnel.proxy_error:
            lines.append(f"X-Squid-Error: {clipped(tunnel.proxy_error, words.CELL)}")
        lines += [f"{words.header(a)}: {words.credential(a.credential)}" for a in tunnel.auth]
        if tunnel.tls is not None:
            known = (tunnel.tls.version, tunnel.tls.cipher, f"SNI {tunnel.tls.sni or 'none'}")
            said = ", ".join(clipped(each, words.CELL) for each in known if each)
            lines.append(f"TLS {words.tls_outcome(tunnel)}: {said}")
        else:
            lines.append(f"TLS: {words.tls_outcome(tunnel)}")
        if tunnel.established is not False:
            carried = f"{words.size(tunnel.bytes_up)} up, {words.size(tunnel.bytes_down)} down"
            lines.append(f"{carried}; {_closed(tunnel.closed_by)}")
        if tunnel.tls is not None:
            lines.append(f"inside: {_inside(tunnel)}")
        if tunnel.egress is not None:
            server = words.service(tunnel.egress.server, view.prefix)
            lines.append(f"Squid's own leg: {tunnel.egress.connection} to {server}")
        yield from notes(Text("\n".join(lines)))
    for chain in detail.chains:
        if chain.tunnel is None:
            sure = "got no tunnel" if chain.confidence >= RELIABLE else "which tunnel is not known"
            yield Text(f"{chain.agent_exchange}: {sure} ({'; '.join(chain.reasons)})\n")


def _inside(tunnel: Tunnel) -> str:
    """What was read inside its TLS, or why nothing was."""
    read = words.some(tunnel.exchanges)
    if tunnel.decryption is None:
        return "encrypted, and no keys were given (--keylog)"
    state = clipped(tunnel.decryption.state, 40)
    because = tunnel.decryption.because
    return "; ".join(filter(None, (state, clipped(because or "", 200), read)))


def _closed(by: str | None) -> str:
    return f"closed by {by}" if by else "still open when the capture ended"


def _joined(tunnel: Tunnel, chains: Sequence[Chain], view: View) -> list[str]:
    told = []
    for chain in chains:
        if tunnel.id != chain.tunnel and tunnel.id not in chain.attempts:
            continue
        what = "was tried before for"
        if tunnel.id == chain.tunnel:
            what = "carried" if tunnel.established else "was asked for, for"
        sure = "" if chain.confidence >= RELIABLE else ", not certain"
        why = f": {chain.reasons[0]}" if chain.reasons else ""
        told.append(f"{what} {view.call(chain.agent_exchange)}{sure}{clipped(why, _LINE)}")
    return told or ["joined with no call"]


def _direct(detail: Detail, view: View) -> Iterator[RenderableType]:
    for each in detail.direct_tls:
        tls = each.tls
        known = (tls.version, tls.cipher, f"SNI {tls.sni or 'none'}", *tls.alerts)
        yield Text(f"DIRECT TLS {each.id}", STYLES["heading"])
        said = ", ".join(clipped(one, words.CELL) for one in known if one)
        yield from notes(Text(f"{tls.handshake}: {said}"))


def _connections(detail: Detail, view: View, limit: int | None) -> Iterator[RenderableType]:
    if not detail.connections:
        return
    rows = Rows(limit, len(detail.connections))
    grid = table("id", "between", "outcome", "carried", "ended", "packets")
    for each in detail.connections[: rows.shown]:
        packets = [each.packet, *([each.closed_packet] if each.closed_packet else [])]
        holders = [
            f"{side}: {_process(process)}"
            for side, process in (("client", each.client_process), ("server", each.server_process))
            if process is not None
        ]
        grid.add_row(
            each.id,
            "\n".join((_between(each, view), *holders)),
            each.outcome,
            f"{words.size(each.bytes_up)} up\n{words.size(each.bytes_down)} down",
            _closed(each.closed_by),
            view.packets(packets),
        )
    yield Text("CONNECTIONS", STYLES["heading"])
    yield from rows.closing(grid)


def _process(process: Process) -> str:
    named = f"{process.comm}[{process.pid}]"
    if process.exe:
        named += f" {process.exe}"
    if container := words.container(process):
        named += f" in {container}"
    return clipped(named, _LINE)


def _steps(detail: Detail, view: View, limit: int | None) -> Iterator[RenderableType]:
    if not detail.steps:
        return
    steps = _told_apart(detail.steps)
    rows = Rows(limit, len(steps))
    begun = _begun(detail)
    grid = table("s", "from", "to", "what", "of", "packet")
    for step in steps[: rows.shown]:
        style = STYLES["bad" if step.broken else "default"]
        grid.add_row(
            f"{(step.at - begun) / 1e9:+.3f}",
            _LANES[step.source],
            _LANES[step.target],
            Text(clipped(step.said, words.CELL), style),
            step.exchange or step.tunnel or step.connection or "",
            "" if step.packet is None else view.packets([step.packet]),
        )
    heading = Text("STEPS", STYLES["heading"])
    heading.append("   seconds from the first request", "default")
    yield heading
    yield from rows.closing(grid)


def _told_apart(steps: Sequence[Step]) -> list[Step]:
    """The steps without the ends of messages that ended as soon as they began."""
    begun = {(step.exchange, step.kind): step.at for step in steps}
    return [
        step
        for step in steps
        if step.broken
        or not step.kind.endswith("-end")
        or step.at - begun.get((step.exchange, _BEGINS[step.kind]), 0) >= _AT_ONCE
    ]


def _begun(detail: Detail) -> int:
    asked = [step.at for step in detail.steps if step.kind in ("request", "connect")]
    return min(asked, default=detail.steps[0].at)
