"""A request and its answer in lines, as a page shows them: the head as sent, then what it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.model.http import Exchange, Request, Response
from inspector.report.page import words
from inspector.report.page.escape import clipped

#: The longest value of a header that is shown, in characters.
_VALUE: Final = 1000
#: Names of events that are counted one by one.
_NAMES: Final = 12


def request_line(exchange: Exchange) -> str:
    """Method and target."""
    request = exchange.request
    if request is None:
        return "request not seen"
    return f"{clipped(request.method, 40)} {clipped(request.target, _VALUE)}"


def auth_rows(exchanges: Sequence[Exchange]) -> list[tuple[str, ...]]:
    """A row for each position of a credential: its name, then what each exchange had there."""
    found: dict[str, list[str]] = {}
    for column, exchange in enumerate(exchanges):
        for auth in () if exchange.request is None else exchange.request.auth:
            cells = found.setdefault(auth.name.lower(), ["", *["-"] * len(exchanges)])
            cells[0] = cells[0] or clipped(auth.name, words.CELL)
            value = words.credential(auth.credential)
            if auth.scheme:
                value = f"{clipped(auth.scheme, 40)} {value}"
            before = cells[column + 1]
            cells[column + 1] = value if before == "-" else f"{before}\n{value}"
    return [tuple(cells) for cells in found.values()]


def header_lines(request: Request | None) -> list[str]:
    """The head of a request in wire order, then its body's length."""
    if request is None:
        return ["not captured"]
    lines = [
        f"{clipped(request.method, 40)} {clipped(request.target, _VALUE)} "
        f"{clipped(request.http_version, 20)}",
        *_fields(request),
        f"body: {words.size(request.body_bytes)}" + _unless(request.complete),
    ]
    if request.key_in_body is not None:
        lines.append(f"a word that looks like a real key ({clipped(request.key_in_body, 40)}...)")
    return lines


def answer_lines(exchange: Exchange) -> list[str]:
    """The head of the answer in wire order, then what its body is and what it states."""
    response = exchange.response
    if response is None:
        interim = f" after {', '.join(map(str, exchange.interim))}" if exchange.interim else ""
        return [f"no answer{interim}; ended by {exchange.ended_by}"]
    lines = [
        *(f"{status} (interim)" for status in response.interim),
        f"{clipped(response.http_version, 20)} {response.status} {clipped(response.reason, 80)}",
        *_fields(response),
        f"body: {words.size(response.body_bytes)}" + _unless(response.complete),
    ]
    lines += _stated(response)
    lines += _stream(response)
    lines += _socket(exchange)
    if exchange.grpc is not None:
        lines.append(words.grpc(exchange.grpc))
    if exchange.ended_by != "complete":
        lines.append(f"ended by {clipped(exchange.ended_by, 40)}")
    if exchange.recovered_by is not None:
        lines.append(f"made good by {exchange.recovered_by}")
    return lines


def _stated(response: Response) -> list[str]:
    error, usage = response.api_error, response.usage
    lines = []
    if error is not None:
        kind = " ".join(filter(None, (error.type, error.code)))
        message = f'"{clipped(error.message, _VALUE)}"' if error.message else ""
        lines.append(f"error: {clipped(kind, words.CELL)} {message}".rstrip())
    if response.model is not None:
        lines.append(f"model: {clipped(response.model, words.CELL)}")
    if usage is not None:
        told = ((usage.input_tokens, "in"), (usage.output_tokens, "out"))
        counts = ", ".join(f"{number:,} {way}" for number, way in told if number is not None)
        lines.append(f"tokens: {counts or 'none stated'}")
    if response.stop_reason is not None:
        lines.append(f"stop reason: {clipped(response.stop_reason, 80)}")
    if response.looks_like is not None:
        lines.append(f"looks like {clipped(response.looks_like, 80)}")
    lines += [f"odd: {clipped(each, 80)}" for each in response.oddities]
    return lines


def _stream(response: Response) -> list[str]:
    shown = response.stream
    if shown is None:
        return []
    lines = [f"events: {words.stream(shown)}" + (", cut inside one" if shown.truncated else "")]
    names = list(shown.names.items())
    lines += [f"  {clipped(name, 80)} x{count:,}" for name, count in names[:_NAMES]]
    if len(names) > _NAMES:
        lines.append(f"  {len(names) - _NAMES} more names")
    for what, at in (("first", shown.first_event_at), ("last", shown.last_event_at)):
        if at is not None:
            lines.append(f"{what} event: {_after(response, at)}")
    if shown.longest_silence is not None:
        lines.append(f"longest silence: {words.seconds(shown.longest_silence)}")
    return lines


def _socket(exchange: Exchange) -> list[str]:
    socket = exchange.websocket
    if socket is None:
        return [f"upgraded to {clipped(exchange.upgrade, 40)}"] if exchange.upgrade else []
    lines = []
    for way, count, size, last in (
        ("up", socket.messages_up, socket.bytes_up, socket.last_up_at),
        ("down", socket.messages_down, socket.bytes_down, socket.last_down_at),
    ):
        line = f"WebSocket {way}: {words.count(count, 'message')}, {words.size(size)}"
        if last is not None and exchange.response is not None:
            line += f", the last {_after(exchange.response, last)}"
        lines.append(line)
    if socket.close_code is not None:
        reason = f' "{clipped(socket.close_reason, words.CELL)}"' if socket.close_reason else ""
        lines.append(f"closed with {socket.close_code}{reason} by the {socket.closed_by}")
    return lines


def _after(response: Response, at: int) -> str:
    return f"{words.seconds(max(0, at - response.started_at) / 1e9)} after the head"


def _fields(message: Request | Response) -> list[str]:
    return [f"{clipped(name, words.CELL)}: {clipped(value, _VALUE)}"
            for name, value in message.headers]  # fmt: skip


def _unless(complete: bool) -> str:
    return "" if complete else ", not whole"
