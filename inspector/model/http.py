"""HTTP as it was on the wire: requests, responses, and which answered which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.model.credentials import AuthHeader
from inspector.model.ids import ConnectionId, ExchangeId, TunnelId
from inspector.model.network import Endpoint, Headers
from inspector.model.providers import Provider

Closer: TypeAlias = Literal["client", "server"]
EndedBy: TypeAlias = Literal[
    "complete",
    "client",
    "server",
    "reset-by-client",
    "reset-by-server",
    "gap",
    "capture-end",
    "unread",
]
#: Ends of an exchange of whose answer, where there is none, nothing is known.
UNHEARD: Final[tuple[EndedBy, ...]] = ("gap", "capture-end", "unread")
Hop: TypeAlias = Literal[
    "agent-to-api-proxy",
    "agent-to-forward-proxy",
    "forward-proxy-to-api-proxy",
    "api-proxy-to-forward-proxy",
    "inside-tunnel",
    "other",
]


#: Programs whose error pages are known by the signature in them.
PageAuthor: TypeAlias = Literal[
    "squid",
    "nginx",
    "openresty",
    "haproxy",
    "apache",
    "kong",
    "cloudflare",
    "google",
    "awselb",
    "cloudfront",
]


class EventStream(Fact):
    """What an event stream (`text/event-stream`) showed, never what it said."""

    events: int
    """Events in all."""
    names: Mapping[str, int]
    """How many events of each name; unnamed JSON events count under their `type`."""
    first_event_at: int | None
    """When the first event was complete."""
    last_event_at: int | None
    """When the last one was."""
    longest_silence: float | None
    """The longest time between two pieces of the stream, in seconds."""
    terminated: bool
    """Whether the provider's own last event was seen (`message_stop`, `[DONE]`, …)."""
    error: str | None
    """The type that an `event: error` named."""
    malformed: int
    """Events whose framing or JSON is broken."""
    truncated: bool
    """Whether the stream ended inside an event."""


class ApiError(Fact):
    """The error that an API stated in its JSON body; secrets in it are masked."""

    type: str | None
    """The error's type or code, in the API's own word."""
    message: str | None
    """Its message."""
    code: str | None = None
    """A second word for it, narrower than the type (OpenAI's `code`, Google's `status`)."""
    status: int | None = None
    """The HTTP status that the error states for itself, where it came over a WebSocket.

    Of gRPC the one that its status stands for (google.rpc.Code).
    """


class Usage(Fact):
    """Token counts as the provider states them."""

    input_tokens: int | None = None
    """Tokens of the prompt."""
    output_tokens: int | None = None
    """Tokens of the answer."""


class WebSocket(Fact):
    """What went over a WebSocket after the 101, never what it said.

    What the server's text messages state of a call is in the exchange's response, as of an event
    stream.
    """

    messages_up: int
    """Messages of the client whose end was seen."""
    messages_down: int
    """Messages of the server whose end was seen."""
    close_code: int | None
    """The status of the first closing frame (RFC 6455 7.4); null without one."""
    closed_by: Closer | None
    """Who sent that frame; null where none was seen."""
    bytes_up: int = 0
    """Bytes of the client's messages as they were sent: frame heads off, compression left on."""
    bytes_down: int = 0
    """The same of the server's."""
    close_reason: str | None = None
    """The text beside that status (RFC 6455 7.1.6), shown as words; null without one."""
    last_up_at: int | None = None
    """When the last of the client's messages ended."""
    last_down_at: int | None = None
    """When the last of the server's did."""


class Grpc(Fact):
    """A call of gRPC, which says behind its answer how it ended."""

    status: int | None
    """`grpc-status`, 0 for success; null where it was not captured."""
    name: str | None
    """Its name in google.rpc.Code (`UNAUTHENTICATED`); null of a number that has none."""


class Request(Fact):
    """One HTTP request as sent."""

    method: str
    """The method."""
    target: str
    """The request target; credentials, and what is not granted, are replaced by labels."""
    http_version: str
    """`HTTP/1.1`, as the request line says."""
    host: str | None
    """The Host header."""
    user_agent: str | None
    """The User-Agent header: what the client says of itself."""
    headers: Headers
    """All fields in wire order; credentials, and what is not granted, are replaced by labels."""
    auth: tuple[AuthHeader, ...]
    """Every credential that the request carried, in wire order; those in its trailers too."""
    steering: Mapping[str, str]
    """Headers that choose an API's behaviour, by folded name (`anthropic-version`)."""
    body_bytes: int
    """Bytes of the body on the wire, chunk framing removed."""
    complete: bool
    """Whether all fields and the whole body were read."""
    packet: int
    """Where its first byte is."""
    started_at: int
    """When its first byte came."""
    ended_at: int | None
    """When its last byte came; null when it did not end."""
    key_in_body: str | None = None
    """The documented prefix of the first word in its body that looks like a real key.

    Of a request that became a WebSocket also in the client's messages.
    """
    body_searched: bool = False
    """Whether all of its body was searched for one, behind its content coding."""


class Response(Fact):
    """One final HTTP response as sent."""

    status: int
    """The status code."""
    reason: str
    """The reason phrase."""
    http_version: str
    """`HTTP/1.1`, as the status line says."""
    interim: tuple[int, ...]
    """Statuses of the 1xx responses before it, in their order."""
    headers: Headers
    """All fields in wire order; credentials, and what is not granted, are replaced by labels."""
    content_type: str | None
    """The Content-Type header."""
    content_encoding: str | None
    """The Content-Encoding header."""
    body_bytes: int
    """Bytes of the body on the wire: chunk framing removed, content coding left on."""
    complete: bool
    """Whether head and body were captured whole, as their framing says."""
    packet: int
    """Where its first byte is."""
    started_at: int
    """When its first byte came."""
    ended_at: int | None
    """When its last byte came; null when it did not end."""
    stream: EventStream | None
    """What its event stream showed, when its body was one."""
    api_error: ApiError | None
    """The error that its body states."""
    model: str | None
    """The model that the body names."""
    usage: Usage | None
    """The token counts that the body states."""
    stop_reason: str | None = None
    """Why the model stopped, in the provider's word."""
    looks_like: str | None = None
    """The media type that the body's first bytes show, where the headers say otherwise.

    Only event streams and gzip are recognised so.
    """
    oddities: tuple[str, ...] = ()
    """What was odd in its body, in the order in which it was met (docs/oddities.md)."""
    page: PageAuthor | None = None
    """The program whose error page an HTML body of an error is, by the page's own signature."""


class Timing(Fact):
    """How long an exchange took, in seconds, from the first byte of its request on.

    What was half seen has no duration: of a request that is not whole all are null.
    """

    request: float | None = None
    """To the last byte of the request."""
    first_byte: float | None = None
    """To the first byte of the final response; null of one that became another protocol."""
    last_byte: float | None = None
    """To the last byte of the final response; null of one that is not whole."""


class Exchange(Fact):
    """A request and the response that answered it, either of them possibly missing."""

    id: ExchangeId
    """`e1`, `e2`, … in the order in which the heads were seen."""
    hop: Hop
    """Between whom, by role."""
    relays: ExchangeId | None
    """The agent's exchange of which this one is the next leg; both are one call."""
    connection: ConnectionId
    """The connection that carries it."""
    client: Endpoint
    """Who asked."""
    server: Endpoint
    """Who was asked."""
    provider: Provider
    """Whose API the server's port stands for."""
    tunnel: TunnelId | None
    """The tunnel that it was read in."""
    request: Request | None
    """The request; null when it was not captured."""
    response: Response | None
    """The final response; null without one."""
    upgrade: str | None
    """The protocol that was switched to, after a 101."""
    ended_by: EndedBy
    """How it ended; `unread`: what came in place of an answer is no HTTP, and nobody read it."""
    interim: tuple[int, ...] = ()
    """The 1xx statuses that came where no final response did, in their order."""
    websocket: WebSocket | None = None
    """What went over it, where it became a WebSocket."""
    decrypted: bool = False
    """Whether it was read inside TLS, with its keys; packets are those of the records."""
    recovered_by: ExchangeId | None = None
    """The later call of the same client that made this failed one good."""
    timing: Timing | None = None
    """How long it took; null in reports before 2.2."""
    grpc: Grpc | None = None
    """How it ended as a call of gRPC, by the content type of its messages; null of what is none."""


def header(message: Request | Response, name: str) -> str | None:
    """The value of the first field of a message with that name, in lower case; None without it."""
    size = len(name)
    for key, value in message.headers:
        if len(key) == size and key.lower() == name:
            return value
    return None
