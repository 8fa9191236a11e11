"""The tables below the first screen: failures, silent connections, oddities, the capture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text

from inspector.model.capture import Completeness
from inspector.report.page import grouping, words
from inspector.report.page.escape import clipped, visible
from inspector.report.page.layout import STYLES, Rows, notes, table
from inspector.report.page.listings import exchange_table, tunnel_table
from inspector.report.page.numbers import provider_rows
from inspector.report.page.view import View


def failures(view: View, limit: int | None) -> Iterable[RenderableType]:
    """Calls that failed alike, in the words of what answered them."""
    groups = view.page.failures
    if not groups:
        return
    rows = Rows(limit, len(groups))
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


def direct_tls(view: View, limit: int | None) -> Iterable[RenderableType]:
    """TLS that went around the forward proxy."""
    groups = view.page.direct_tls
    if not groups:
        return
    rows = Rows(limit, len(groups))
    grid = table("client", "server", "SNI", "TLS", "carried", "packet")
    for group in groups[: rows.shown]:
        first = group[0]
        up = sum(direct.bytes_up for direct in group)
        down = sum(direct.bytes_down for direct in group)
        grid.add_row(
            f"{view.host(first.client.ip)} x{len(group)}",
            words.service(first.server, view.prefix),
            "none" if first.tls.sni is None else clipped(first.tls.sni, words.CELL),
            first.tls.handshake,
            f"{words.size(up)} up\n{words.size(down)} down",
            view.packets([first.packet]),
        )
    heading = Text("DIRECT TLS", STYLES["heading"])
    heading.append("   outside of any tunnel", "default")
    yield heading
    yield from rows.closing(grid)


def silent(view: View, limit: int | None) -> Iterable[RenderableType]:
    """Connections on which neither HTTP nor TLS was spoken."""
    groups = view.page.silent
    if not groups:
        return
    rows = Rows(limit, len(groups))
    grid = table("client", "server", "outcome", "closed by", "packets")
    for group in groups[: rows.shown]:
        first = group[0]
        listed = view.packets([connection.packet for connection in group[:3]])
        carried = sum(connection.bytes_up + connection.bytes_down for connection in group)
        outcome = f"{first.outcome} x{len(group)}"
        if carried:
            outcome += f", {words.size(carried)}"
        grid.add_row(
            view.host(first.client.ip),
            words.service(first.server, view.prefix),
            Text(outcome, STYLES["default" if first.outcome == "established" else "bad"]),
            first.closed_by or "still open",
            listed + (f" +{len(group) - 3}" if len(group) > 3 else ""),
        )
    yield Text("CONNECTIONS WITHOUT HTTP OR TLS", STYLES["heading"])
    yield from rows.closing(grid)


def providers(view: View) -> Iterable[RenderableType]:
    """How long the answers of each provider took, and what they cost."""
    rows = tuple(provider_rows(view))
    if not rows:
        return
    grid = table("provider", "of", "first byte", "last byte", "tokens", "models")
    for row in rows:
        grid.add_row(row.provider, row.calls, row.first_byte, row.last_byte, row.tokens, row.models)
    heading = Text("PROVIDERS", STYLES["heading"])
    heading.append("   calls that were seen whole and answered with success", "default")
    yield heading
    yield from notes(grid)


def every_tunnel(view: View, limit: int | None) -> Iterable[RenderableType]:
    """Each tunnel on a line of its own."""
    rows = Rows(limit, len(view.report.tunnels))
    if rows.total:
        yield Text("EVERY TUNNEL", STYLES["heading"])
        yield from rows.closing(tunnel_table(view.report, view.prefix, rows.shown))


def every_exchange(view: View, limit: int | None) -> Iterable[RenderableType]:
    """Each exchange on a line of its own."""
    rows = Rows(limit, len(view.report.exchanges))
    if rows.total:
        yield Text("EXCHANGES", STYLES["heading"])
        yield from rows.closing(exchange_table(view.report, rows.shown))


def ruled_out(view: View) -> Iterable[RenderableType]:
    """Other causes that one could think of, each with the fact that excludes it."""
    cause = view.report.root_cause
    if cause is None or not cause.ruled_out:
        return
    grid = table("", "", header=False)
    for other in cause.ruled_out:
        grid.add_row(clipped(other.what, words.CELL), clipped(other.because, words.MESSAGE))
    yield Text("RULED OUT", STYLES["heading"])
    yield from notes(grid)


def oddities(view: View, limit: int | None) -> Iterable[RenderableType]:
    """What parsers met and found odd."""
    found = view.report.oddities
    if not found:
        return
    rows = Rows(limit, len(found))
    grid = table("name", "count", "packets", "detail")
    for oddity in found[: rows.shown]:
        grid.add_row(
            visible(oddity.name),
            f"{oddity.count:,}",
            view.packets(oddity.packets[:3]),
            clipped(oddity.detail, words.CELL),
        )
    yield Text("ODDITIES", STYLES["heading"])
    yield from rows.closing(grid)


def capture(view: View) -> Iterable[RenderableType]:
    """What the capture can prove, who is who, and how that is known."""
    completeness, topology = view.report.completeness, view.report.topology
    heading = Text("CAPTURE ", STYLES["heading"])
    heading.append(completeness.verdict.upper(), STYLES[completeness.verdict])
    yield heading
    grid = table("", header=False)
    for line in (
        *(clipped(reason, words.MESSAGE) for reason in completeness.because),
        *(f"limit hit: {visible(reached)}" for reached in completeness.limits_hit),
        *left_out(completeness),
        view.known_roles(),
        *(visible(note) for note in topology.notes),
    ):
        grid.add_row(line)
    yield from notes(grid)


def left_out(completeness: Completeness) -> Iterator[str]:
    """That the report speaks of one network, where the capture has traffic of others."""
    many, proxies = completeness.out_of_scope, completeness.out_of_scope_proxies
    if many:
        told = f"{words.count(many, 'connection')} of other networks left out"
        if proxies:
            told += f", {proxies} to ports of the proxies: a second network of the firewall?"
        yield f"{told} (--scope all shows them)"


def logs(view: View) -> Iterator[RenderableType]:
    """Whether the logs agree with the packets.  What is wrong with a log itself heads the page."""
    told = view.report.witnesses
    if told is None:
        return
    read, against = told.squid_lines + told.api_proxy_lines, len(told.disagreements)
    said = "none contradicts them"
    if against:
        said = f"{against:,} {'contradicts' if against == 1 else 'contradict'} them"
    line = Text("LOGS", STYLES["heading"])
    line.append(f"   {len(told.joined):,} of {words.count(read, 'line')} speak", "default")
    line.append(" of these packets; ", "default")
    line.append(said, STYLES["bad" if against else "default"])
    if told.unread_lines:
        line.append(f"; {words.count(told.unread_lines, 'line')} could not be read", "default")
    yield line.append(".\n", "default")


def is_plain(view: View) -> bool:
    """Whether the capture is whole and its network the default one: nothing to say of either."""
    completeness, topology = view.report.completeness, view.report.topology
    return (
        completeness.verdict == "complete"
        and not completeness.limits_hit
        and not completeness.out_of_scope
        and topology.source == "defaults"
        and not topology.notes
    )


def live(view: View, *, verbose: bool) -> Iterable[RenderableType]:
    """How a live capture was taken; without `verbose` only what casts doubt on it."""
    told = view.report.live
    if told is None:
        return
    lines = [f"{each.name}: {each.note}" for each in told.interfaces if each.note]
    lines += [f"{each.name}: {each.note}" for each in told.probes if each.note]
    lines += told.notes
    if verbose:
        lines[:0] = [told.ending, told.privileges]
        lines += [
            f"{rung.name}: {rung.detail}" + (f"; {rung.remedy}" if rung.remedy else "")
            for rung in told.rungs
        ]
    if not lines:
        return
    yield Text("LIVE", STYLES["heading"])
    grid = table("", header=False)
    for line in lines:
        grid.add_row(visible(line))
    yield from notes(grid)
