"""The frozen records that all rooms speak.

Field names are the names of the JSON report (`inspector.report/1`): this
module is the schema's source.  The wire's own words are kept (header names as
sent, in order, duplicates included); folded copies are for matching only.

Conventions, read by `report/` and by the schema generator:

* a field whose name ends in `_at` is a time: integer nanoseconds UTC, written
  as RFC 3339;
* a field named `packet`, `packets` or `closed_packet` holds packet references (`packets.py`);
* durations (`reply_latency`, `longest_silence`) are seconds;
* sizes are bytes;
* no field ever holds a credential: what carries one was replaced by its label
  (`credentials.redact`) before the fact was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]

Role: TypeAlias = Literal["agent", "api-proxy", "forward-proxy", "other"]
Provider: TypeAlias = Literal[
    "openai", "anthropic", "copilot", "gemini", "vertex", "azure-openai", "unknown"
]
Hop: TypeAlias = Literal[
    "agent-to-api-proxy",
    "agent-to-forward-proxy",
    "forward-proxy-to-api-proxy",
    "api-proxy-to-forward-proxy",
    "inside-tunnel",
    "other",
]
ClosedBy: TypeAlias = Literal["client", "server", "reset-by-client", "reset-by-server"]
Outcome: TypeAlias = Literal["established", "refused", "unanswered", "unreachable", "midstream"]
EndedBy: TypeAlias = Literal[
    "complete", "client", "server", "reset-by-client", "reset-by-server", "gap", "capture-end"
]
TunnelProtocol: TypeAlias = Literal["tls", "http/1.1", "h2", "unknown", "none"]
Handshake: TypeAlias = Literal["complete", "failed", "incomplete", "not seen"]
Verdict: TypeAlias = Literal["complete", "unknown", "incomplete"]
UnreadReason: TypeAlias = Literal[
    "gap",
    "truncated",
    "midstream",
    "capture-end",
    "one-sided",
    "conflict",
    "after-close",
    "limit",
    "internal-error",
    "dropped",
    "file-cut",
    "filter",
    "not-heard",
    "logs",
]
CredentialKind: TypeAlias = Literal[
    "anthropic-api-key",
    "anthropic-oauth",
    "anthropic-admin-key",
    "openai-api-key",
    "openai-project-key",
    "github-token",
    "google-api-key",
    "aws-sigv4",
    "azure-key",
    "jwt",
    "basic",
    "placeholder",
    "unknown",
    "empty",
]
Anomaly: TypeAlias = Literal[
    "leading-space",
    "trailing-space",
    "control-character",
    "quoted",
    "doubled-scheme",
    "empty",
    "non-ascii",
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a connection."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class Credential:
    """What may be said of a credential without giving any of it away.

    `prefix` is the documented, public part of its shape (`sk-ant-api03-`), or
    null; `length` counts the bytes of the value without the scheme and the one
    space after it; `fingerprint` is 12 hex digits of HMAC-SHA-256 under the
    run's key, null for an empty value; `placeholder` is the public constant
    itself when the value is one.
    """

    kind: CredentialKind
    prefix: str | None
    length: int
    fingerprint: str | None
    placeholder: str | None
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthHeader:
    """One credential-bearing position of a request, in wire order.

    `name` is the header's as sent; a query parameter has the name `?key`.
    `scheme` is the authorization scheme as sent, or null.
    """

    name: str
    scheme: str | None
    credential: Credential


@dataclass(frozen=True, slots=True)
class Process:
    """Who held a connection's end, as the kernel and the container engine told it live.

    `comm` is the kernel's name of the task (at most 15 bytes), `exe` the path
    of its executable inside its container; arguments are never kept, they
    carry secrets.  `netns` is the inode of its network namespace.
    """

    pid: int
    comm: str
    exe: str | None = None
    container: str | None = None
    container_id: str | None = None
    netns: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP connection, whether or not it carried a byte of HTTP.

    `client` is the end that sent the SYN (mid-stream: the likelier one).
    `bytes_up` counts client to server, by sequence numbers, so bytes that the
    capture lacks are included.  `zero_windows` counts segments of either end
    that announced a full receive buffer.  `close_unseen`: an end acknowledged a
    FIN that is not in the capture, so `closed_by` may name the second to close.
    `closed_packet` is the FIN or RST that closed it.
    """

    id: str
    client: Endpoint
    server: Endpoint
    opened_at: int
    closed_at: int | None
    closed_by: ClosedBy | None
    outcome: Outcome
    bytes_up: int
    bytes_down: int
    packet: int
    zero_windows: int = 0
    retransmissions: int = 0
    client_process: Process | None = None
    server_process: Process | None = None
    close_unseen: bool = False
    closed_packet: int | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """What an event stream (`text/event-stream`) showed, never what it said.

    `terminated` tells whether the provider's own last event was seen;
    `error` is the type named by an `event: error`, or null;
    `malformed` counts events with broken framing or JSON.
    """

    events: int
    names: Mapping[str, int]
    first_event_at: int | None
    last_event_at: int | None
    longest_silence: float | None
    terminated: bool
    error: str | None
    malformed: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class ApiError:
    """The error an API stated in its JSON body; secrets in it are redacted."""

    type: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the provider states them."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as sent.  `complete`: all fields and the whole body were read."""

    method: str
    target: str
    http_version: str
    host: str | None
    user_agent: str | None
    headers: Headers
    auth: tuple[AuthHeader, ...]
    steering: Mapping[str, str]
    body_bytes: int
    complete: bool
    packet: int
    started_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Response:
    """One final HTTP response as sent, interim ones listed by status.

    `looks_like` is the media type that the body's first bytes show where that is
    an event stream or gzip and `content_type` or `content_encoding` says
    otherwise, else null.  `oddities` names what was odd in its body
    (docs/oddities.md).
    """

    status: int
    reason: str
    http_version: str
    interim: tuple[int, ...]
    headers: Headers
    content_type: str | None
    content_encoding: str | None
    body_bytes: int
    complete: bool
    packet: int
    started_at: int
    ended_at: int | None
    stream: Stream | None
    api_error: ApiError | None
    model: str | None
    usage: Usage | None
    stop_reason: str | None = None
    looks_like: str | None = None
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the response that answered it, either of them possibly missing.

    `relays` names the agent-side exchange of which this one is the next leg;
    both legs are one call.  `upgrade` is the protocol after a 101.  `interim` lists
    the 1xx statuses that came where no final response did.
    """

    id: str
    hop: Hop
    relays: str | None
    connection: str
    client: Endpoint
    server: Endpoint
    provider: Provider
    tunnel: str | None
    request: Request | None
    response: Response | None
    upgrade: str | None
    ended_by: EndedBy
    interim: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tls:
    """What the readable part of a TLS handshake states.

    `version` is the negotiated one ("TLS 1.3"), null before a ServerHello;
    `alerts` lists alerts readable before encryption, "fatal unknown_ca (client)".
    """

    sni: str | None
    version: str | None
    alpn_offered: tuple[str, ...]
    cipher: str | None
    handshake: Handshake
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Egress:
    """The forward proxy's own leg of a tunnel, when it is on the same bridge."""

    server: Endpoint
    connection: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A CONNECT and what went through it.  Its 200 says "tunnel opened", no more.

    `bytes_*` and `records_*` count what the tunnel carried, TLS handshake
    included; `records_*` are TLS application-data records.  In TLS 1.3 these
    include alerts and Finished, which share record type 23.  `last_down_at` is
    when the last byte came from the proxy's side.
    """

    id: str
    connection: str
    client: Endpoint
    proxy: Endpoint
    authority: str | None
    auth: tuple[AuthHeader, ...]
    headers: Headers
    interim: tuple[int, ...]
    connect_status: int | None
    established: bool | None
    proxy_error: str | None
    reply_latency: float | None
    protocol: TunnelProtocol
    tls: Tls | None
    bytes_up: int
    bytes_down: int
    records_up: int
    records_down: int
    opened_at: int
    first_data_at: int | None
    last_data_at: int | None
    closed_at: int | None
    closed_by: ClosedBy | None
    exchanges: tuple[str, ...]
    egress: Egress | None
    packet: int
    last_down_at: int | None = None


@dataclass(frozen=True, slots=True)
class DirectTls:
    """A TLS connection that belongs to no tunnel: somebody went out directly."""

    id: str
    connection: str
    client: Endpoint
    server: Endpoint
    tls: Tls
    bytes_up: int
    bytes_down: int
    records_up: int
    records_down: int
    opened_at: int
    closed_at: int | None
    packet: int


@dataclass(frozen=True, slots=True)
class ClientAuth:
    """An auth header that a client sent, and in how many of its requests."""

    name: str
    scheme: str | None
    credential: Credential
    requests: int


@dataclass(frozen=True, slots=True)
class Client:
    """Address and user agent, and what it did towards one service.

    `process` is known of a live capture, and of a file that one wrote; a
    client of several processes has that of its first call.
    """

    ip: str
    user_agent: str | None
    role: Role
    provider: Provider
    service: Endpoint
    requests: int
    auth_headers: tuple[ClientAuth, ...]
    statuses: Mapping[str, int]
    process: Process | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that were on the wire (the peer acknowledged them) but not captured."""

    connection: str
    direction: Literal["up", "down"]
    bytes: int
    packet: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One occurrence of something odd, as a parser met it.

    `name` is stable and documented (docs/oddities.md); `detail` never quotes
    captured bytes of unknown sensitivity.
    """

    name: str
    packet: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Oddity:
    """All occurrences of one kind of fault; `packets` lists the first few."""

    name: str
    count: int
    packets: tuple[int, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class Interface:
    """One capture interface as its file describes it."""

    name: str | None
    link_type: int
    snap_length: int | None
    filter: str | None = None
    received: int | None = None
    dropped: int | None = None


#: The fault of a pipe that was not read to its end, and how its `CaptureFile.cut` begins.
READ_INTERRUPTED = "read-interrupted"


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """One input file: what it is, and where it stops being readable.

    `unended`: this program wrote the file, and the statistics that it ends its
    files with are not there: it was killed, the disk was full, or another
    program took packets out of the file.
    """

    name: str
    format: str
    compression: str | None
    packets: int
    bytes: int
    started_at: int | None
    ended_at: int | None
    interfaces: tuple[Interface, ...]
    comments: int
    decryption_secrets: int
    cut: str | None
    unended: bool = False

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked to stop reading it: it may be whole, or go on for ever."""
        return self.cut is not None and self.cut.startswith(READ_INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Unread:
    """Bytes of a connection that were not read, so that nothing is proven by their absence.

    `connection` is null when they may be of any connection.  `packet` is where it
    was first noticed, or null.  `reason` is one of:

    * `gap`: their receiver acknowledged them, and they are not in the capture;
    * `truncated`: the snap length cut them off;
    * `midstream`: the connection had begun before the capture;
    * `capture-end`: the connection was open, and a request or its answer not over;
    * `one-sided`: of the connection only one direction was captured;
    * `conflict`: they were sent twice with different content, and the first copy was read;
    * `after-close`: they came behind an end of their connection, or where no receiver takes them;
    * `limit`: a limit of the inspector cut them off (docs/limits.md);
    * `internal-error`: the inspector failed on the connection and gave it up;
    * `dropped`: the kernel dropped packets while capturing;
    * `file-cut`: a file ends before its last record does;
    * `filter`: the capture's filter may have left them out;
    * `not-heard`: no packet was seen at all, or an interface that was to be listened on never came;
    * `logs`: a log tells of a call or tunnel that no packet shows.
    """

    connection: str | None
    reason: UnreadReason
    packet: int | None


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of the truth the capture can hold.

    `unread` lists, by connection, what makes the verdict other than "complete";
    reports of earlier versions do not have it.  `out_of_scope` counts connections of other
    networks that a report on one subnet leaves out, which `verdict` does not speak of;
    `out_of_scope_proxies` those of them to ports on which the firewall's proxies listen:
    it may have a second network.
    """

    packets: int
    dropped_by_kernel: int | None
    truncated_packets: int
    duplicate_packets: int
    gaps: tuple[Gap, ...]
    midstream_connections: int
    limits_hit: tuple[str, ...]
    capture_filter: str | None
    verdict: Verdict
    because: tuple[str, ...]
    unread: tuple[Unread, ...] = ()
    out_of_scope: int = 0
    out_of_scope_proxies: int = 0


@dataclass(frozen=True, slots=True)
class Topology:
    """Who is who, and how that is known.

    `source` says where the roles come from: "defaults", "options", "file" or
    "traffic"; `providers` maps a service port to its provider.
    """

    subnet: str | None
    agent: tuple[str, ...]
    api_proxy: tuple[str, ...]
    forward_proxy: tuple[str, ...]
    providers: Mapping[str, Provider]
    source: str
    scope: Literal["subnet", "all"]
    notes: tuple[str, ...] = field(default=())
