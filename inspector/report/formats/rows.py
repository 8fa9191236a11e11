"""Exchanges as flat rows: JSON Lines that a database reads without a schema (`exchanges.jsonl`).

One row an exchange, in the order of the report; every row has every column, null where it is not
known or not there.  The columns are one table, from which docs/artifacts.md is made.  A column may
be added at any time; none is renamed or removed within a MAJOR of the report's format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final, Literal, TypeAlias

from inspector.diagnosis.outcome import outcome_of
from inspector.exchanges.timing import timing_of
from inspector.fact import Fact
from inspector.model.conclusions import Chain
from inspector.model.http import Exchange, Request, Response, Timing
from inspector.model.ids import ExchangeId
from inspector.model.network import Process
from inspector.model.report import Report
from inspector.report.formats.json import dumps, timestamp
from inspector.wire import packet_label

FlatCell: TypeAlias = str | int | float | bool | None
CellKind: TypeAlias = Literal["text", "integer", "number", "boolean", "time"]


class FlatRow(Fact):
    """What the cells of one row are taken from."""

    exchange: Exchange
    call: ExchangeId
    chain: Chain | None
    process: Process | None
    several_files: bool
    timing: Timing

    @property
    def request(self) -> Request | None:
        return self.exchange.request

    @property
    def response(self) -> Response | None:
        return self.exchange.response


class FlatColumn(Fact):
    """A column: its name, what its cells are, what they mean, and where they come from."""

    name: str
    kind: CellKind
    meaning: str
    cell: Callable[[FlatRow], FlatCell]


def write_rows(report: Report, out: BinaryIO) -> None:
    """Write a row a line."""
    for row in _rows(report):
        out.write(dumps(plain(row)) + b"\n")


def plain(row: FlatRow) -> dict[str, FlatCell]:
    """A row as name and value, in the order of the columns."""
    return {column.name: column.cell(row) for column in COLUMNS}


def _rows(report: Report) -> Iterator[FlatRow]:
    several_files = len(report.captures) > 1
    # A call that came through the forward proxy is chained by its second leg.
    legs = {leg.id: leg.relays for leg in report.exchanges if leg.relays is not None}
    chains, calls = {}, dict(legs)
    for chain in report.chains:
        call = legs.get(chain.agent_exchange, chain.agent_exchange)
        chains[call] = chain
        calls |= dict.fromkeys(chain.upstream_exchanges, call)
    processes: Mapping[str, Process] = {
        connection.id: connection.client_process
        for connection in report.connections
        if connection.client_process is not None
    }
    for exchange in report.exchanges:
        yield FlatRow(
            exchange,
            calls.get(exchange.id, exchange.id),
            chains.get(exchange.id),
            processes.get(exchange.connection),
            several_files,
            timing_of(exchange),
        )


# -- cells -------------------------------------------------------------------------------


def _of_request(cell: Callable[[Request], FlatCell]) -> Callable[[FlatRow], FlatCell]:
    return lambda row: None if row.exchange.request is None else cell(row.exchange.request)


def _of_response(cell: Callable[[Response], FlatCell]) -> Callable[[FlatRow], FlatCell]:
    return lambda row: None if row.exchange.response is None else cell(row.exchange.response)


def _part(of: str, name: str) -> Callable[[FlatRow], FlatCell]:
    """A field of an optional part of the response (`stream`, `usage`, `api_error`)."""

    def cell(response: Response) -> FlatCell:
        part: Any = getattr(response, of)
        value: FlatCell = None if part is None else getattr(part, name)
        return value

    return _of_response(cell)


def _time(at: int | None) -> str | None:
    return None if at is None else timestamp(at)


def _first(row: FlatRow) -> int | None:
    first = row.request or row.response
    return None if first is None else first.started_at


def _last(row: FlatRow) -> int | None:
    """When the last byte of what has an end came; a request's, where no answer did."""
    response, request = row.response, row.request
    if response is not None:
        return response.ended_at
    return None if request is None else request.ended_at


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 6)


def _auth(take: Callable[[Any], str | None]) -> Callable[[FlatRow], FlatCell]:
    return _of_request(lambda request: ",".join(take(each) or "" for each in request.auth))


def _packet(of: Request | Response | None, row: FlatRow) -> str | None:
    if of is None:
        return None
    return str(packet_label(of.packet, several_files=row.several_files))


#: In the order of the file.
COLUMNS: Final[tuple[FlatColumn, ...]] = (
    FlatColumn("id", "text", "The exchange, as in the report (`e1`).", lambda row: row.exchange.id),
    FlatColumn(
        "call",
        "text",
        "The client's own leg of the call, which all legs of it share.",
        lambda row: row.call,
    ),
    FlatColumn("hop", "text", "Between whom, by role.", lambda row: row.exchange.hop),
    FlatColumn(
        "provider",
        "text",
        "Whose API the server's port stands for.",
        lambda row: row.exchange.provider,
    ),
    FlatColumn("client_ip", "text", "Who asked.", lambda row: row.exchange.client.ip),
    FlatColumn(
        "client_port", "integer", "The port of the client.", lambda row: row.exchange.client.port
    ),
    FlatColumn("server_ip", "text", "Who was asked.", lambda row: row.exchange.server.ip),
    FlatColumn(
        "server_port", "integer", "The port of the server.", lambda row: row.exchange.server.port
    ),
    FlatColumn(
        "process",
        "text",
        "The client's program, as the kernel names it; live captures alone.",
        lambda row: None if row.process is None else row.process.comm,
    ),
    FlatColumn(
        "container",
        "text",
        "The client's container; live captures alone.",
        lambda row: None if row.process is None else row.process.container,
    ),
    FlatColumn(
        "connection", "text", "The TCP connection (`c1`).", lambda row: row.exchange.connection
    ),
    FlatColumn(
        "tunnel", "text", "The tunnel in which it was read (`t1`).", lambda row: row.exchange.tunnel
    ),
    FlatColumn(
        "carried_by",
        "text",
        "Of a call: the tunnel that the API proxy opened for it.",
        lambda row: None if row.chain is None else row.chain.tunnel,
    ),
    FlatColumn(
        "confidence",
        "number",
        "How sure that is, from 0 to 1.",
        lambda row: None if row.chain is None else row.chain.confidence,
    ),
    FlatColumn(
        "answered_by",
        "text",
        "Of a call: who wrote the answer.",
        lambda row: None if row.chain is None else row.chain.answered_by,
    ),
    FlatColumn("method", "text", "The method.", _of_request(lambda request: request.method)),
    FlatColumn("host", "text", "The Host header.", _of_request(lambda request: request.host)),
    FlatColumn(
        "target",
        "text",
        "The target, as the report shows it.",
        _of_request(lambda request: request.target),
    ),
    FlatColumn(
        "user_agent",
        "text",
        "The User-Agent header.",
        _of_request(lambda request: request.user_agent),
    ),
    FlatColumn(
        "auth_headers",
        "text",
        "Names of what carried credentials, joined by commas.",
        _auth(lambda each: each.name),
    ),
    FlatColumn(
        "auth_kinds",
        "text",
        "Kinds of these credentials, in the same order.",
        _auth(lambda each: each.credential.kind),
    ),
    FlatColumn(
        "auth_fingerprints",
        "text",
        "Fingerprints of these credentials, in the same order.",
        _auth(lambda each: each.credential.fingerprint),
    ),
    FlatColumn(
        "status",
        "integer",
        "The status of the final answer; null without one.",
        _of_response(lambda response: response.status),
    ),
    FlatColumn(
        "outcome",
        "text",
        "What became of it: `answered`, or how it failed.",
        lambda row: outcome_of(row.exchange),
    ),
    FlatColumn("ended_by", "text", "How it ended.", lambda row: row.exchange.ended_by),
    FlatColumn(
        "recovered_by",
        "text",
        "The later call that made this failed one good.",
        lambda row: row.exchange.recovered_by,
    ),
    FlatColumn("started_at", "time", "When its first byte came.", lambda row: _time(_first(row))),
    FlatColumn(
        "answered_at",
        "time",
        "When the answer's first byte came.",
        _of_response(lambda response: _time(response.started_at)),
    ),
    FlatColumn(
        "ended_at",
        "time",
        "When the last byte came; null while it did not end.",
        lambda row: _time(_last(row)),
    ),
    FlatColumn(
        "request_ms",
        "number",
        "From the request's first byte to its last.",
        lambda row: _ms(row.timing.request),
    ),
    FlatColumn(
        "first_byte_ms",
        "number",
        "From the request's first byte to the answer's first.",
        lambda row: _ms(row.timing.first_byte),
    ),
    FlatColumn(
        "last_byte_ms",
        "number",
        "From the request's first byte to the answer's last.",
        lambda row: _ms(row.timing.last_byte),
    ),
    FlatColumn(
        "request_bytes",
        "integer",
        "Bytes of the request's body on the wire.",
        _of_request(lambda request: request.body_bytes),
    ),
    FlatColumn(
        "response_bytes",
        "integer",
        "Bytes of the answer's body on the wire.",
        _of_response(lambda response: response.body_bytes),
    ),
    FlatColumn(
        "content_type",
        "text",
        "The answer's Content-Type.",
        _of_response(lambda response: response.content_type),
    ),
    FlatColumn(
        "error_type",
        "text",
        "The type of the error that the answer states.",
        _part("api_error", "type"),
    ),
    FlatColumn("error_message", "text", "Its message, masked.", _part("api_error", "message")),
    FlatColumn(
        "model",
        "text",
        "The model that the answer names.",
        _of_response(lambda response: response.model),
    ),
    FlatColumn(
        "input_tokens",
        "integer",
        "Tokens of the prompt, as the provider counts.",
        _part("usage", "input_tokens"),
    ),
    FlatColumn(
        "output_tokens", "integer", "Tokens of the answer.", _part("usage", "output_tokens")
    ),
    FlatColumn(
        "stop_reason",
        "text",
        "Why the model stopped.",
        _of_response(lambda response: response.stop_reason),
    ),
    FlatColumn(
        "stream_events",
        "integer",
        "Events of its event stream; null where it is none.",
        _part("stream", "events"),
    ),
    FlatColumn(
        "stream_terminated",
        "boolean",
        "Whether the provider's own last event came.",
        _part("stream", "terminated"),
    ),
    FlatColumn(
        "stream_silence",
        "number",
        "The longest time between two pieces of it, in seconds.",
        _part("stream", "longest_silence"),
    ),
    FlatColumn(
        "decrypted",
        "boolean",
        "Whether it was read inside TLS, with its keys.",
        lambda row: row.exchange.decrypted,
    ),
    FlatColumn(
        "request_packet",
        "text",
        "The packet in which the request begins.",
        lambda row: _packet(row.request, row),
    ),
    FlatColumn(
        "response_packet",
        "text",
        "The packet in which the answer begins.",
        lambda row: _packet(row.response, row),
    ),
)
