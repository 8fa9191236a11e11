"""The lists that -v adds: every exchange and every tunnel on a line of its own."""

from __future__ import annotations

from itertools import islice

from rich.table import Table

from inspector.exchanges.timing import timing_of
from inspector.model.http import Exchange
from inspector.model.report import Report
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.layout import table
from inspector.wire import packet_label


def exchange_table(report: Report, shown: int) -> Table:
    """One row an exchange, the first so many.

    `at` counts seconds from the first packet; up and down are bodies; `took` is how long the first
    byte of the answer took, and the last.
    """
    start = _start(report)
    several_files = len(report.captures) > 1
    grid = table("id", "at", "request", "status", "up/down", "took", "how it went", "packet")
    for exchange in islice(report.exchanges, shown):
        request, response = exchange.request, exchange.response
        first = request or response
        grid.add_row(
            exchange.id,
            f"{(first.started_at - start) / 1e9:.3f}" if first else "-",
            f"{clipped(request.method, 20)} {clipped(request.target, words.CELL)}"
            if request
            else "not seen",
            str(response.status) if response else "none",
            _carried(exchange),
            _took(exchange),
            _how(exchange),
            str(packet_label(first.packet, several_files=several_files)) if first else "-",
        )
    return grid


def tunnel_table(report: Report, prefix: str | None, shown: int) -> Table:
    """One row a tunnel, the first so many, with what its readable TLS messages state."""
    start = _start(report)
    several_files = len(report.captures) > 1
    grid = table("id", "at", "from", "reply", "TLS", "SNI", "closed by", "packet")
    for tunnel in islice(report.tunnels, shown):
        tls = tunnel.tls
        latency = tunnel.reply_latency
        grid.add_row(
            tunnel.id,
            f"{(tunnel.opened_at - start) / 1e9:.3f}",
            words.service(tunnel.client, prefix),
            "-" if latency is None else f"{latency * 1000:.1f} ms",
            "-" if tls is None else clipped(f"{tls.version or 'unknown'} {tls.cipher or ''}", 60),
            "-" if tls is None or tls.sni is None else clipped(tls.sni, words.CELL),
            tunnel.closed_by or "still open",
            str(packet_label(tunnel.packet, several_files=several_files)),
        )
    return grid


def _carried(exchange: Exchange) -> str:
    """Bytes of the bodies, or of the messages of the WebSocket that it became."""
    request, response, socket = exchange.request, exchange.response, exchange.websocket
    if socket is not None:
        return f"{words.size(socket.bytes_up)}/{words.size(socket.bytes_down)}"
    return (
        f"{words.size(request.body_bytes) if request else '-'}/"
        f"{words.size(response.body_bytes) if response else '-'}"
    )


def _took(exchange: Exchange) -> str:
    """Until the answer's first byte, and its last."""
    timing = timing_of(exchange)
    return "\n".join(
        "-" if known is None else words.seconds(known)
        for known in (timing.first_byte, timing.last_byte)
    )


def _start(report: Report) -> int:
    times = [capture.started_at for capture in report.captures if capture.started_at is not None]
    return min(times, default=0)


def _how(exchange: Exchange) -> str:
    said = []
    if exchange.relays:
        said.append(f"relays {exchange.relays}")
    if exchange.tunnel:
        said.append(f"inside {exchange.tunnel}")
    if exchange.upgrade:
        said.append(f"upgraded to {clipped(exchange.upgrade, 40)}")
    if exchange.websocket is not None:
        up, down = exchange.websocket.messages_up, exchange.websocket.messages_down
        said.append(f"{up} up, {words.count(down, 'message')} down")
    if exchange.grpc is not None:
        said.append(words.grpc(exchange.grpc))
    if exchange.response and exchange.response.stream:
        said.append(words.stream(exchange.response.stream))
    response = exchange.response
    if response is not None and response.model is not None:
        said.append(clipped(response.model, 40))
    if response is not None and response.usage is not None:
        usage = ((response.usage.input_tokens, "in"), (response.usage.output_tokens, "out"))
        said += [f"{number:,} {way}" for number, way in usage if number is not None]
    said.append(exchange.ended_by)
    return "; ".join(said)
