"""Real TLS conversations, made in memory by Python's `ssl`: ground truth for the observer."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import trustme

Flight = tuple[bool, bytes]


@dataclass
class Recording:
    """What both ends wrote, in order (True: client), and what they thought of it."""

    flights: list[Flight] = field(default_factory=list)
    client_done: bool = False
    server_done: bool = False
    session: ssl.SSLSession | None = None
    cipher: str | None = None
    version: str | None = None

    def of(self, up: bool) -> bytes:
        return b"".join(data for side, data in self.flights if side is up)


@functools.cache
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(version: ssl.TLSVersion, *alpn: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    authority().issue_cert("api.lab.test").configure_cert(context)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def client_context(version: ssl.TLSVersion, *alpn: str, trusting: bool = True) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    if trusting:
        authority().configure_trust(context)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def converse(
    client: ssl.SSLContext,
    server: ssl.SSLContext,
    *,
    requests: int = 1,
    name: str | None = "api.lab.test",
    session: ssl.SSLSession | None = None,
    close: bool = False,
) -> Recording:
    """Handshake, then `requests` times 100 bytes up and 1000 down, then perhaps close_notify."""
    made = Recording()
    # A tap between two pipes: each end writes into its own, which is copied on.
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    near_out, far_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, near_out, server_hostname=name, session=session)
    far = server.wrap_bio(to_server, far_out, server_side=True)

    def move() -> None:
        for up, source, sink in ((True, near_out, to_server), (False, far_out, to_client)):
            data = source.read()
            if data:
                made.flights.append((up, data))
                sink.write(data)

    def attempt(action: Callable[[], object]) -> bool:
        try:
            action()
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLSyscallError):
            return False
        return True

    def handshake(end: ssl.SSLObject) -> bool:
        try:
            return attempt(end.do_handshake)
        except ssl.SSLError:
            return False
        finally:
            move()

    while not (made.client_done and made.server_done):
        before = len(made.flights)
        made.client_done = handshake(near)
        made.server_done = handshake(far)
        if len(made.flights) == before:
            break
    if not (made.client_done and made.server_done):
        return made
    made.cipher = (near.cipher() or ("", "", 0))[0]
    made.version = near.version()
    for _ in range(requests):
        near.write(100 * b"q")
        move()
        far.read(4096)
        far.write(1000 * b"a")
        move()
        attempt(lambda: near.read(4096))
    attempt(lambda: near.read(1))
    made.session = near.session
    if close:
        attempt(near.unwrap)
        move()
        attempt(far.unwrap)
        move()
    return made
