"""Connections, and what could be seen of them: TCP, TLS, tunnels, processes."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.model.addresses import split_authority
from inspector.model.capture import Direction
from inspector.model.credentials import AuthHeader
from inspector.model.ids import ConnectionId, DirectTlsId, ExchangeId, TunnelId

#: Header fields as sent, in wire order.
Headers: TypeAlias = tuple[tuple[str, str], ...]

ClosedBy: TypeAlias = Literal["client", "server", "reset-by-client", "reset-by-server"]
#: Ends of the client's side.
BY_CLIENT: Final = ("client", "reset-by-client")
ConnectOutcome: TypeAlias = Literal[
    "established", "refused", "unanswered", "unreachable", "midstream"
]
TunnelProtocol: TypeAlias = Literal["tls", "http/1.1", "h2", "unknown", "none"]
#: Where the keys of a TLS session came from.
KeySource: TypeAlias = Literal["keylog", "embedded", "ebpf", "none"]
DecryptionState: TypeAlias = Literal["decrypted", "partial", "no-keys", "failed"]
Handshake: TypeAlias = Literal["complete", "failed", "incomplete", "not seen"]

#: Squid's access rules forbid the host or the port.
ACCESS_DENIED: Final = "ERR_ACCESS_DENIED"
#: Squid finds no address for the host.
NO_ADDRESS: Final = "ERR_DNS_FAIL"
#: Squid knows no way to the host: version 5.7 where no address is found, and every version where
#: no parent proxy (`cache_peer`) can be reached (measured).
NO_WAY: Final = "ERR_CANNOT_FORWARD"
#: Squid found the host's address and could not connect to it.
CONNECT_FAILED: Final = "ERR_CONNECT_FAIL"


class Endpoint(Fact):
    """One end of a connection."""

    ip: str
    """The address, as text (RFC 5952 for IPv6)."""
    port: int
    """The TCP port."""


class Process(Fact):
    """Who held a connection's end, as the kernel and the container engine said live.

    Arguments are never kept: they carry secrets.
    """

    pid: int
    """The process id on the host."""
    comm: str
    """The kernel's name of the task, 15 bytes at most."""
    exe: str | None = None
    """The path of its executable inside its container."""
    container: str | None = None
    """The container's name, by the container engine."""
    container_id: str | None = None
    """The container's id, by its control group."""
    netns: int | None = None
    """The inode of its network namespace."""


class Unacknowledged(Fact):
    """Bytes that one end sent again and again, and the other never acknowledged.

    Three times at least, over a second and more (RFC 6298 5.5 doubles the wait each time): the
    packets did not arrive, or nobody was there.
    """

    direction: Direction
    """Up: from the client."""
    bytes: int
    """How many bytes were sent and never acknowledged."""
    resends: int
    """How often the first of them were sent again."""
    segment: int
    """Bytes of the largest segment that was sent again."""


class Connection(Fact):
    """One TCP connection, whether or not it carried a byte of HTTP."""

    id: ConnectionId
    """`c1`, `c2`, … in the order in which connections began."""
    client: Endpoint
    """The end that sent the SYN; picked up in mid-stream: the likelier one."""
    server: Endpoint
    """The other end."""
    opened_at: int
    """When its first packet was captured."""
    closed_at: int | None
    """When the first FIN or RST was captured."""
    closed_by: ClosedBy | None
    """Who sent that first FIN or RST; null while the connection is open."""
    outcome: ConnectOutcome
    """What became of the attempt to connect."""
    bytes_up: int
    """Bytes from client to server, by sequence numbers: uncaptured ones included."""
    bytes_down: int
    """Bytes from server to client, counted the same way."""
    packet: int
    """Its first packet."""
    zero_windows: int = 0
    """Segments of either end that announced a full receive buffer."""
    retransmissions: int = 0
    """Segments that were sent again."""
    client_process: Process | None = None
    """Who held the client's end; known of live captures and of files that one wrote."""
    server_process: Process | None = None
    """Who held the server's end."""
    close_unseen: bool = False
    """An end acknowledged a FIN that is not in the capture.

    `closed_by` may then name the second to close.
    """
    closed_packet: int | None = None
    """The FIN or RST that closed it."""
    unacknowledged: Unacknowledged | None = None
    """What never arrived, where one end sent it again and again in vain."""
    protocol: TunnelProtocol = "none"
    """What its first bytes are; `unknown` is not read."""
    plain_answer: int | None = None
    """The status of an answer in plain HTTP/1 to a client that began with TLS or HTTP/2."""


class Certificate(Fact):
    """What a certificate says that a server showed in the clear, as TLS 1.2 does (RFC 5280)."""

    subject: str
    """Whose it is: `CN=api.example.com, O=Example`."""
    issuer: str
    """Who signed it."""
    names: tuple[str, ...]
    """Host names that it holds for, the first few, in its order."""
    not_before: str | None
    """From when it is valid, as `2026-11-24T00:33:18Z`."""
    not_after: str | None
    """Until when; the year may be 9999, later than nanoseconds reach."""


class Tls(Fact):
    """What the readable part of a TLS handshake states."""

    sni: str | None
    """The server name of the ClientHello (RFC 6066 3)."""
    version: str | None
    """The negotiated version (`TLS 1.3`); null before a ServerHello."""
    alpn_offered: tuple[str, ...]
    """The protocols that the client offered (RFC 7301), in its order."""
    cipher: str | None
    """The negotiated cipher suite, by its IANA name."""
    handshake: Handshake
    """How far the handshake came."""
    alerts: tuple[str, ...] = ()
    """Alerts readable before encryption, in their order: `fatal unknown_ca (client)`."""
    certificates: tuple[Certificate, ...] = ()
    """The server's chain, its own first; in TLS 1.3 it is encrypted."""
    wants_certificate: bool | None = None
    """Whether the server asked for the client's certificate; null where that is encrypted."""
    alpn: str | None = None
    """The protocol that the server chose (RFC 7301 3.2); in TLS 1.3 it is encrypted."""


class Decryption(Fact):
    """How far a TLS connection was read with keys; there is none where no keys were given."""

    source: KeySource
    """Where its keys came from: a key log, or a block embedded in the capture."""
    state: DecryptionState
    """Whether all, some or nothing of it was read, and whether because keys are missing."""
    protocol: TunnelProtocol = "none"
    """What the first bytes inside are."""
    because: str | None = None
    """Why not all of it was read, in a phrase."""


class Egress(Fact):
    """The forward proxy's own leg of a tunnel, when it is on the same bridge."""

    server: Endpoint
    """Where the forward proxy connected to."""
    connection: ConnectionId
    """The leg's connection."""


def opens_tunnel(status: int | None) -> bool | None:
    """Whether the final answer to a CONNECT opens the tunnel; None without an answer."""
    return None if status is None else 200 <= status < 300


class Refusal(Fact):
    """Whether a CONNECT was refused, by whom and why: decided here, asked everywhere else.

    A 2xx answer opens the tunnel; any other final answer refuses it (RFC 9110 9.3.6).  Squid
    names the reason in `X-Squid-Error`, as `ERR_CONNECT_FAIL 111`: the name of an error and,
    where a system call failed, its errno.  Other proxies give a status alone.
    """

    by: Endpoint
    """The proxy that was asked, and refused."""
    status: int
    """The status of its answer."""
    error: str | None
    """The value of `X-Squid-Error`; null where the answer has no such field."""
    challenges: tuple[str, ...] = ()
    """The values of its `Proxy-Authenticate` (RFC 9110 11.7.1)."""

    @property
    def is_relayed(self) -> bool:
        """Whether another proxy, behind the one that was asked, wrote it.

        Squid names its own error in each of its pages; the head of a parent proxy's answer it
        passes on as it is, without the body (measured with 5.7).
        """
        return self.error is None

    @property
    def is_denial(self) -> bool:
        """Whether a rule of the proxy forbids it, rather than that the proxy failed to connect."""
        return self.status == 403 or ACCESS_DENIED in (self.error or "")


class InnerAnswer(Fact):
    """An HTTP answer that a proxy wrote into a tunnel, in place of a ServerHello.

    A Squid that peeks at the ClientHello before it decides (`ssl_bump peek`) has answered the
    CONNECT with 200 by then: what it has to say of the name comes in plaintext behind it.
    """

    status: int
    """The status of the answer."""
    error: str | None
    """The value of `X-Squid-Error`."""
    packet: int
    """The packet in which it begins."""


def refusal_of(
    by: Endpoint,
    status: int | None,
    error: str | None,
    inner: InnerAnswer | None = None,
    challenges: tuple[str, ...] = (),
) -> Refusal | None:
    """Return the refusal in a proxy's answer; None where it opened the tunnel or none came.

    An answer inside the tunnel takes its opening back.
    """
    if inner is not None and not opens_tunnel(inner.status):
        return Refusal(by, inner.status, inner.error)
    if status is None or opens_tunnel(status):
        return None
    return Refusal(by, status, error, challenges)


class Tunnel(Fact):
    """A CONNECT and what went through it.  Its 200 says "tunnel opened", no more."""

    id: TunnelId
    """`t1`, `t2`, … in the order in which each was known to be a tunnel."""
    connection: ConnectionId
    """The connection that carries it."""
    client: Endpoint
    """Who asked for the tunnel."""
    proxy: Endpoint
    """Who was asked."""
    authority: str | None
    """The target of the CONNECT, `host:port`; null when the request was not captured."""
    auth: tuple[AuthHeader, ...]
    """Credentials sent with the CONNECT, to the proxy, in wire order."""
    headers: Headers
    """The CONNECT's header fields in wire order."""
    interim: tuple[int, ...]
    """Statuses of 1xx answers to the CONNECT, in their order."""
    connect_status: int | None
    """The final status of the answer to the CONNECT; null without one."""
    established: bool | None
    """Whether the tunnel opened; null when the capture cannot tell."""
    proxy_error: str | None
    """Squid's reason, from `X-Squid-Error`: `ERR_ACCESS_DENIED 0`."""
    reply_latency: float | None
    """Seconds from the CONNECT to its final answer."""
    protocol: TunnelProtocol
    """What the first bytes inside are."""
    tls: Tls | None
    """The handshake inside, when there was one."""
    bytes_up: int
    """Bytes that the tunnel carried to the server, TLS handshake included."""
    bytes_down: int
    """Bytes that it carried back."""
    records_up: int
    """TLS application-data records to the server.

    In TLS 1.3 these include alerts and Finished, which share record type 23.
    """
    records_down: int
    """TLS application-data records from the server."""
    opened_at: int
    """When the CONNECT's first byte came."""
    first_data_at: int | None
    """When the first byte went through the tunnel; of TLS, of its application data."""
    last_data_at: int | None
    """When the last byte of these went through, in either direction."""
    closed_at: int | None
    """When the tunnel's connection was first closed."""
    closed_by: ClosedBy | None
    """Who closed it first."""
    exchanges: tuple[ExchangeId, ...]
    """HTTP exchanges read inside it, in their order."""
    egress: Egress | None
    """The forward proxy's own leg, when it was captured, too."""
    packet: int
    """The CONNECT's first packet."""
    last_down_at: int | None = None
    """When the last byte came from the proxy's side."""
    challenges: tuple[str, ...] = ()
    """What a proxy asks for that refused it: its `Proxy-Authenticate`, in wire order."""
    inner: InnerAnswer | None = None
    """The proxy's HTTP answer inside it, where a TLS server's hello was due."""
    tls_answer: str | None = None
    """What TLS answered to plain HTTP inside it: `fatal unexpected_message (server)`.

    `a TLS record` where it is no readable alert.
    """
    decryption: Decryption | None = None
    """How far its TLS was read with keys; null where no keys were given, or it carries no TLS."""
    data_down: int | None = None
    """Bytes of TLS application data that came back, session tickets too; null where not known."""

    @property
    def host(self) -> str:
        """The host that its CONNECT names: lower case, no brackets; empty where none is known."""
        found = split_authority(self.authority or "")
        return "" if found is None else found[0]

    @property
    def port(self) -> int | None:
        """The port that its CONNECT names."""
        found = split_authority(self.authority or "")
        return None if found is None else found[1]

    @property
    def is_left_unused(self) -> bool:
        """Whether the client ended the handshake of TLS 1.2 well and left without a byte of HTTP.

        So Node does that dislikes a certificate: it looks at it when the handshake is over, sends
        no alert and closes (measured).
        """
        return (
            self.tls is not None
            and self.tls.handshake == "complete"
            and bool(self.tls.certificates)
            and not self.records_up
            and self.closed_by in BY_CLIENT
        )

    @property
    def refusal(self) -> Refusal | None:
        """Why it did not open, or was taken back; None where it did, and without an answer."""
        return refusal_of(
            self.proxy, self.connect_status, self.proxy_error, self.inner, self.challenges
        )


class DirectTls(Fact):
    """A TLS connection that belongs to no tunnel: somebody went out directly."""

    id: DirectTlsId
    """`d1`, `d2`, … in the order in which they began."""
    connection: ConnectionId
    """The connection."""
    client: Endpoint
    """Who opened it."""
    server: Endpoint
    """To where."""
    tls: Tls
    """The handshake."""
    bytes_up: int
    """Bytes to the server."""
    bytes_down: int
    """Bytes from the server."""
    records_up: int
    """TLS application-data records to the server."""
    records_down: int
    """TLS application-data records from the server."""
    opened_at: int
    """When the connection began."""
    closed_at: int | None
    """When it was first closed."""
    packet: int
    """Its first packet."""
    decryption: Decryption | None = None
    """How far it was read with keys; null where no keys were given."""
