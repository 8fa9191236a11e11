"""TLS over an asyncio connection with every step in our own hands.

asyncio's TLS ends a connection as it sees fit.  A lab must choose: a close_notify alert and FIN,
a bare FIN, RST, or a handshake that stops between two flights.  So `ssl` works on memory here
(`ssl.MemoryBIO`), and what it wants on the wire is ours to send, to hold back or to cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from lab.upstream_behaviour import Behaviour

_READ: Final = 65536
#: Record header, level fatal (2), description handshake_failure (40): RFC 8446 section 6.
_HANDSHAKE_FAILURE: Final = b"\x15\x03\x03\x00\x02\x02\x28"
#: A ServerHello with its record header is shorter; half of the certificate is longer.
_HALF_FLIGHT: Final = 700
_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


#: Names asked for: one settings object serves many sessions, since its key seals their tickets.
_names: WeakKeyDictionary[ssl.SSLObject, str | None] = WeakKeyDictionary()


def _note_name(session: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
    _names[session] = name


class Gone(Exception):
    """The peer closed or reset the connection, or it was told to end here."""


def context(chain: Path, behaviour: Behaviour, keylog: Path) -> ssl.SSLContext:
    """A server's settings; every session's secrets are appended to ``keylog`` (NSS format)."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(chain)
    made.maximum_version = _VERSIONS[behaviour.tls_version]
    made.num_tickets = behaviour.tickets
    made.keylog_filename = str(keylog)
    made.sni_callback = _note_name
    if behaviour.alpn:
        made.set_alpn_protocols(list(behaviour.alpn))
    return made


class Wire:
    """A TCP connection that can end in each of the ways TCP has."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def receive(self) -> bytes:
        """What came; empty at the end of the stream, also after a reset."""
        with contextlib.suppress(ConnectionError):
            return await self._reader.read(_READ)
        return b""

    async def send(self, data: bytes) -> None:
        """Send; a peer that has left is no error here, `receive` tells."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def close(self) -> None:
        """FIN."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def reset(self) -> None:
        """RST: closing with a linger time of zero throws away what is unsent (socket(7))."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        self._writer.transport.abort()

    async def until_gone(self) -> None:
        """Say nothing until the peer leaves."""
        while await self.receive():
            pass


class Secured:
    """The server's side of a TLS connection."""

    def __init__(self, wire: Wire, settings: ssl.SSLContext) -> None:
        self.wire = wire
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = settings.wrap_bio(self._incoming, self._outgoing, server_side=True)

    @property
    def server_name(self) -> str | None:
        """The name in the ClientHello, known after the handshake."""
        return _names.get(self.session)

    async def handshake(self, how: str = "normal") -> None:
        """Shake hands, or let it fail as ``how`` says (see `upstream_behaviour.TLS`).

        :raises Gone: no connection came of it.
        :raises ssl.SSLError: the peer's hello or alert ended it.
        """
        if how != "normal":
            await self._fail(how)
            raise Gone(f"handshake ended by {how!r}")
        while True:
            try:
                self.session.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                await self._flush()  # the alert that says why
                raise
            else:
                await self._flush()
                return

    async def _fail(self, how: str) -> None:
        hello = await self.wire.receive()
        if how == "alert":
            await self.wire.send(_HANDSHAKE_FAILURE)
            await self.wire.close()
        elif how == "silence":
            await self.wire.until_gone()
            await self.wire.close()
        elif how == "close":
            await self.wire.close()
        elif how == "reset":
            self.wire.reset()
        elif how == "reset-in-handshake":
            self._incoming.write(hello)
            with contextlib.suppress(ssl.SSLWantReadError):
                self.session.do_handshake()
            await self.wire.send(self._outgoing.read()[:_HALF_FLIGHT])
            # Squid must have passed the half flight on before the reset overtakes it.
            await asyncio.sleep(0.05)
            self.wire.reset()

    async def receive(self) -> bytes:
        """Decrypted bytes; empty when the peer has closed, properly or not."""
        while True:
            try:
                return self.session.read(_READ)
            except ssl.SSLWantReadError:
                await self._flush()
                try:
                    await self._fill()
                except Gone:
                    return b""
            except ssl.SSLError:  # close_notify (SSLZeroReturnError), or a record that is none
                return b""

    async def send(self, data: bytes) -> None:
        """Encrypt and send, as one write."""
        self.session.write(data)
        await self._flush()

    async def close(self) -> None:
        """close_notify, then FIN."""
        with contextlib.suppress(ssl.SSLError):
            self.session.unwrap()
        await self._flush()
        await self.wire.close()

    async def _fill(self) -> None:
        data = await self.wire.receive()
        if not data:
            raise Gone("the peer closed")
        self._incoming.write(data)

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await self.wire.send(data)
