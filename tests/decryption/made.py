"""TLS 1.3 made by hand, for what Python's `ssl` does not do: other suites, early data, updates."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import aead

from inspector.decryption.schedule import expanded, updated

RANDOM: Final = bytes(range(32))
DATA, HANDSHAKE, ALERT, CCS = 23, 22, 21, 20
SUITES: Final = {
    0x1301: ("sha256", 16, aead.AESGCM),
    0x1302: ("sha384", 32, aead.AESGCM),
    0x1303: ("sha256", 32, aead.ChaCha20Poly1305),
    0x1304: ("sha256", 16, aead.AESCCM),
}


def secret(label: str, suite: int) -> bytes:
    """The made-up secret of a label."""
    size = 48 if SUITES[suite][0] == "sha384" else 32
    return (label.encode() * 8)[:size]


def log(suite: int, *labels: str) -> list[bytes]:
    """A key log."""
    return [f"{label} {RANDOM.hex()} {secret(label, suite).hex()}".encode() for label in labels]


def record(kind: int, body: bytes) -> bytes:
    return bytes((kind, 3, 3)) + len(body).to_bytes(2, "big") + body


def message(kind: int, body: bytes = b"") -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def _extensions(*items: tuple[int, bytes]) -> bytes:
    said = b"".join(k.to_bytes(2, "big") + len(v).to_bytes(2, "big") + v for k, v in items)
    return len(said).to_bytes(2, "big") + said


def client_hello(*, early: bool = False, sni: str | None = None) -> bytes:
    offered = ((43, b"\x02\x03\x04"), *(((42, b""),) if early else ()))
    if sni is not None:
        name = b"\0" + len(sni).to_bytes(2, "big") + sni.encode()
        offered = (*offered, (0, len(name).to_bytes(2, "big") + name))
    body = b"\x03\x03" + RANDOM + b"\0" + b"\0\x02\x13\x01" + b"\x01\0" + _extensions(*offered)
    return record(HANDSHAKE, message(1, body))


def server_hello(suite: int) -> bytes:
    body = b"\x03\x03" + bytes(32) + b"\0" + suite.to_bytes(2, "big") + b"\0"
    return record(HANDSHAKE, message(2, body + _extensions((43, b"\x03\x04"))))


class Sealer:
    """Seals the records of one direction under one secret."""

    def __init__(self, suite: int, label: str) -> None:
        self._digest, self._size, self._kind = SUITES[suite]
        self._secret = secret(label, suite)
        self._begin()

    def _begin(self) -> None:
        make: Any = self._kind
        self._aead = make(expanded(self._secret, b"key", self._size, self._digest))
        self._base = int.from_bytes(expanded(self._secret, b"iv", 12, self._digest), "big")
        self._number = 0

    def seal(self, kind: int, content: bytes, *, padding: int = 0) -> bytes:
        inner = content + bytes((kind,)) + bytes(padding)
        header = bytes((DATA, 3, 3)) + (len(inner) + 16).to_bytes(2, "big")
        nonce = (self._base ^ self._number).to_bytes(12, "big")
        self._number += 1
        sealed: bytes = self._aead.encrypt(nonce, inner, header)
        return header + sealed

    def update(self) -> bytes:
        """A KeyUpdate, and the key after it."""
        sealed = self.seal(HANDSHAKE, message(24, b"\0"))
        self._secret = updated(self._secret, self._digest)
        self._begin()
        return sealed


class Talk:
    """Both directions, from the hellos to the traffic keys."""

    def __init__(
        self,
        suite: int = 0x1301,
        *,
        early: bytes | None = None,
        takes: bool = True,
        sni: str | None = None,
    ) -> None:
        self.flights: list[tuple[bool, bytes]] = []
        self.suite = suite
        self.say(True, client_hello(early=early is not None, sni=sni))
        early_keys = Sealer(suite, "CLIENT_EARLY_TRAFFIC_SECRET")
        if early is not None:
            self.say(True, record(CCS, b"\x01") + early_keys.seal(DATA, early))
        self.say(False, server_hello(suite) + record(CCS, b"\x01"))
        server = Sealer(suite, "SERVER_HANDSHAKE_TRAFFIC_SECRET")
        taken = _extensions((42, b"")) if early is not None and takes else _extensions()
        flight = message(8, taken) + message(11, bytes(3000)) + message(20, bytes(32))
        # A handshake's messages share records, and are spread over them.
        self.say(False, server.seal(HANDSHAKE, flight[:100]) + server.seal(HANDSHAKE, flight[100:]))
        if early is not None and takes:
            self.say(True, early_keys.seal(HANDSHAKE, message(5)))
        client = Sealer(suite, "CLIENT_HANDSHAKE_TRAFFIC_SECRET")
        self.say(True, client.seal(HANDSHAKE, message(20, bytes(32))))
        self.keys = {
            True: Sealer(suite, "CLIENT_TRAFFIC_SECRET_0"),
            False: Sealer(suite, "SERVER_TRAFFIC_SECRET_0"),
        }

    def say(self, up: bool, data: bytes) -> Talk:
        self.flights.append((up, data))
        return self

    def tell(self, up: bool, content: bytes, **more: int) -> Talk:
        """Application data, one record."""
        return self.say(up, self.keys[up].seal(DATA, content, **more))
