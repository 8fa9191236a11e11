"""The keys of a session, in the order in which its directions use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from inspector.decryption.keystore import EARLY, HANDSHAKE, MASTER, TRAFFIC, Secrets
from inspector.decryption.opening import Aead12, Cbc12, Key, Key13
from inspector.decryption.schedule import key_block
from inspector.decryption.suites import Suite, suite_of
from inspector.protocols.tls_hello import ServerHello
from inspector.secret import Secret


class Epoch(NamedTuple):
    """A stretch of one direction under one key.  `key` None: the log has none for it."""

    key: Key | None
    is_traffic: bool = True
    is_early: bool = False

    @property
    def holds_data(self) -> bool:
        """Whether its records may be application data."""
        return self.is_traffic or self.is_early


#: The epochs of the client's direction (True) and of the server's.
TrafficKeys: TypeAlias = Mapping[bool, tuple[Epoch, ...]]


def keys_13(secrets: Secrets, cipher: int, *, early: bool) -> TrafficKeys | None:
    """TLS 1.3 (RFC 8446 7.1, 7.3); None of a suite that is not read."""
    suite = suite_of(cipher)
    if suite is None or suite.explicit or suite.mode == "cbc":
        return None

    def key(label: str) -> Key13 | None:
        secret = secrets.get(label)
        return None if secret is None else Key13(suite, secret)

    first = (Epoch(key(EARLY), is_traffic=False, is_early=True),) if early else ()
    return {
        up: (
            *(first if up else ()),
            Epoch(key(HANDSHAKE[up]), is_traffic=False),
            Epoch(key(TRAFFIC[up])),
        )
        for up in (True, False)
    }


def keys_12(secrets: Secrets, hello: ServerHello, client_random: bytes) -> TrafficKeys | None:
    """TLS 1.2 (RFC 5246 6.3); None without its secret, or of a suite that is not read."""
    suite = None if hello.cipher is None else suite_of(hello.cipher)
    master = secrets.get(MASTER)
    if suite is None or master is None or len(master) != 48:
        return None
    mac = _MAC_SIZES.get(suite.mac, 0)
    sizes = (mac, mac, suite.key, suite.key, suite.salt, suite.salt)
    block = key_block(master.reveal(), hello.random, client_random, sum(sizes), suite.digest)
    parts = []
    at = 0
    for size in sizes:
        parts.append(Secret(block[at : at + size]))
        at += size
    return {
        up: (Epoch(_key_12(suite, parts[2 + side], parts[4 + side], parts[side], hello)),)
        for up, side in ((True, 0), (False, 1))
    }


_MAC_SIZES = {"sha1": 20, "sha256": 32, "sha384": 48}


def _key_12(suite: Suite, key: Secret, salt: Secret, mac_key: Secret, hello: ServerHello) -> Key:
    if suite.mode == "cbc":
        return Cbc12(suite, key, mac_key, is_mac_last=hello.mac_last)
    return Aead12(suite, key, salt)
