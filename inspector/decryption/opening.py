"""One key of one direction: an encrypted record to what it says, or the refusal to guess.

Nothing is given that was not authenticated: a record whose tag or MAC does not fit is
`Unopened`, whatever its plaintext may look like.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, NoReturn, Protocol

from inspector.decryption.schedule import expanded, updated
from inspector.decryption.suites import Suite
from inspector.secret import Secret


class Unopened(Exception):
    """The key is not that of the record."""


class Key(Protocol):
    """Opens the records of one direction and epoch."""

    def open(self, number: int, header: bytes, body: bytes) -> tuple[int, bytes]:
        """The content type and content of the record with this sequence number.

        Raises `Unopened`.
        """

    def content(self, raw: int, records: int) -> int:
        """How much that many records can have said that take `raw` bytes, headers included."""


def _aead(suite: Suite, key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import aead

    if suite.mode == "gcm":
        return aead.AESGCM(key)
    if suite.mode == "chacha":
        return aead.ChaCha20Poly1305(key)
    return aead.AESCCM(key, tag_length=suite.tag)


class _Kept:
    """A key is printed by its kind, and not serialised."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not serialised")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Key13(_Kept):
    """TLS 1.3 (RFC 8446 5.2, 5.3)."""

    __slots__ = ("_aead", "_iv", "_secret", "_suite")

    def __init__(self, suite: Suite, secret: Secret) -> None:
        self._suite = suite
        self._secret = secret
        raw = secret.reveal()
        self._aead = _aead(suite, expanded(raw, b"key", suite.key, suite.digest))
        self._iv = Secret(expanded(raw, b"iv", 12, suite.digest))

    def open(self, number: int, header: bytes, body: bytes) -> tuple[int, bytes]:
        """See `Key`.  The type is the last byte that is not zero."""
        from cryptography.exceptions import InvalidTag

        if len(body) < self._suite.tag + 1:
            raise Unopened
        try:
            inner = self._aead.decrypt(_nonce(self._iv, number), body, header)
        except InvalidTag:
            raise Unopened from None
        said = inner if inner[-1:] != b"\0" else inner.rstrip(b"\0")
        if not said:
            raise Unopened
        return said[-1], said[:-1]

    def content(self, raw: int, records: int) -> int:
        """See `Key`; nobody pads."""
        return raw - records * (5 + 1 + self._suite.tag)

    def next(self) -> Key13:
        """The key after a KeyUpdate."""
        return Key13(self._suite, Secret(updated(self._secret.reveal(), self._suite.digest)))


def _nonce(iv: Secret, number: int) -> bytes:
    """RFC 8446 5.3, and RFC 7905 2 alike."""
    return (int.from_bytes(iv.reveal(), "big") ^ number).to_bytes(12, "big")


class Aead12(_Kept):
    """The AEADs of TLS 1.2 (RFC 5246 6.2.3.3, RFC 5288, RFC 7905)."""

    __slots__ = ("_aead", "_salt", "_suite")

    def __init__(self, suite: Suite, key: Secret, salt: Secret) -> None:
        self._suite = suite
        self._aead = _aead(suite, key.reveal())
        self._salt = salt

    def open(self, number: int, header: bytes, body: bytes) -> tuple[int, bytes]:
        """See `Key`."""
        from cryptography.exceptions import InvalidTag

        suite = self._suite
        explicit = suite.explicit
        size = len(body) - explicit - suite.tag
        if size < 0:
            raise Unopened
        salt = self._salt
        nonce = salt.reveal() + body[:explicit] if explicit else _nonce(salt, number)
        bound = number.to_bytes(8, "big") + header[:3] + size.to_bytes(2, "big")
        try:
            return header[0], self._aead.decrypt(nonce, body[explicit:], bound)
        except InvalidTag:
            raise Unopened from None

    def content(self, raw: int, records: int) -> int:
        """See `Key`."""
        return raw - records * (5 + self._suite.explicit + self._suite.tag)


class Cbc12(_Kept):
    """CBC with HMAC of TLS 1.2 (RFC 5246 6.2.3.2), also encrypt-then-MAC (RFC 7366)."""

    __slots__ = ("_is_mac_last", "_key", "_mac_key", "_suite")

    def __init__(self, suite: Suite, key: Secret, mac_key: Secret, *, is_mac_last: bool) -> None:
        self._suite = suite
        self._key = key
        self._mac_key = mac_key
        self._is_mac_last = is_mac_last

    def open(self, number: int, header: bytes, body: bytes) -> tuple[int, bytes]:
        """See `Key`."""
        size = hashlib.new(self._suite.mac).digest_size
        start = number.to_bytes(8, "big") + header[:3]
        if self._is_mac_last:
            coded, mac = body[:-size], body[-size:]
            self._check(start + len(coded).to_bytes(2, "big") + coded, mac)
            return header[0], self._unpadded(self._plain(coded))
        plain = self._unpadded(self._plain(body))
        content, mac = plain[:-size], plain[-size:]
        self._check(start + len(content).to_bytes(2, "big") + content, mac)
        return header[0], content

    def content(self, raw: int, records: int) -> int:
        """See `Key`; how much padding there is nobody knows."""
        return -1

    def _check(self, bound: bytes, mac: bytes) -> None:
        made = hmac.digest(self._mac_key.reveal(), bound, self._suite.mac)
        if not hmac.compare_digest(made, mac):
            raise Unopened

    def _plain(self, coded: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        if len(coded) < 32 or len(coded) % 16:
            raise Unopened
        reader = Cipher(algorithms.AES(self._key.reveal()), modes.CBC(coded[:16])).decryptor()
        return reader.update(coded[16:]) + reader.finalize()

    def _unpadded(self, plain: bytes) -> bytes:
        padding = plain[-1] + 1
        if padding > len(plain) or plain[-padding:] != bytes((padding - 1,)) * padding:
            raise Unopened
        return plain[:-padding]
