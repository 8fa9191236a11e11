"""TLS sessions for the generators: noise in records of the right sizes, or sealed for real.

Whoever reads a workload without keys sees the same of both.  A `Sealed` session has secrets of
its own, which stand in the workload's key log (RFC 9850), and says what it was given.
"""

from __future__ import annotations

import random
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import content
from inspector.decryption.schedule import expanded

#: TLS_AES_128_GCM_SHA256: its hash, and the bytes of its key and nonce.
_SUITE: Final = b"\x13\x01"
_DIGEST, _KEY, _NONCE = "sha256", 16, 12
_HANDSHAKE, _ALERT, _DATA = 22, 21, 23
_RECORD: Final = 16384


class Session(Protocol):
    """What is sent of one TLS session: its flights, then data."""

    hello: bytes
    flight: bytes
    finished: bytes

    def seal(self, up: bool, data: bytes) -> bytes:
        """Application data as records."""

    def close_notify(self) -> bytes:
        """The client's last record."""


class Noise:
    """A session that nobody could open: the same flights for all of a workload."""

    def __init__(self, rng: random.Random, noise: bytes) -> None:
        self._noise = noise
        self.hello = content.client_hello("api.anthropic.com", rng)
        self.flight = content.server_flight(rng)
        self.finished = content.client_finished(rng)

    def seal(self, up: bool, data: bytes) -> bytes:
        return content.encrypted(len(data), self._noise)

    def close_notify(self) -> bytes:
        return content.close_notify(self._noise)


class _Side:
    """One direction under one secret."""

    def __init__(self, secret: bytes) -> None:
        self._aead = AESGCM(expanded(secret, b"key", _KEY, _DIGEST))
        self._nonce = int.from_bytes(expanded(secret, b"iv", _NONCE, _DIGEST), "big")
        self._number = 0

    def record(self, kind: int, inside: bytes) -> bytes:
        """One record (RFC 8446 5.2)."""
        header = b"\x17\x03\x03" + (len(inside) + 17).to_bytes(2, "big")
        nonce = (self._nonce ^ self._number).to_bytes(_NONCE, "big")
        self._number += 1
        return header + self._aead.encrypt(nonce, inside + bytes((kind,)), header)


class Sealed:
    """A session of TLS 1.3; `lines` are those of its key log."""

    def __init__(self, sni: str, rng: random.Random) -> None:
        secrets = {label: rng.randbytes(32) for label in _LABELS}
        handshake = {up: _Side(secrets[_LABELS[not up]]) for up in (True, False)}
        self._traffic = {up: _Side(secrets[_LABELS[2 + (not up)]]) for up in (True, False)}
        self.hello = content.client_hello(sni, rng)
        # Behind the heads of record and message, and the version (RFC 8446 4.1.2).
        named = self.hello[11:43].hex()
        self.lines = [f"{label} {named} {secret.hex()}\n" for label, secret in secrets.items()]
        messages = _message(8, b"\0\0") + _message(11, rng.randbytes(820)) + _message(15)
        flight = handshake[False].record(_HANDSHAKE, messages + _message(20, rng.randbytes(32)))
        self.flight = content.server_hello(_SUITE, rng) + flight
        done = handshake[True].record(_HANDSHAKE, _message(20, rng.randbytes(32)))
        self.finished = content.tls_record(20, b"\x01") + done

    def seal(self, up: bool, data: bytes) -> bytes:
        side = self._traffic[up]
        parts = (data[at : at + _RECORD] for at in range(0, len(data), _RECORD))
        return b"".join([side.record(_DATA, part) for part in parts])

    def close_notify(self) -> bytes:
        return self._traffic[True].record(_ALERT, b"\x01\0")


_LABELS: Final = (
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
)


def _message(kind: int, body: bytes = b"") -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body
