"""Key logs are read line by line, and what they hold is never shown."""

from __future__ import annotations

import json
import pickle
from typing import Final

import pytest

from inspector.decryption.keystore import Keystore
from inspector.decryption.suites import suite_of
from inspector.protocols.tls_names import CIPHERS

RANDOM: Final = bytes(range(32))
MASTER: Final = b"LABONLY-master-secret-made-up-for-a-test-" + bytes(7)
LINE: Final = b"CLIENT_RANDOM %s %s" % (RANDOM.hex().encode(), MASTER.hex().encode())


def read(*lines: bytes) -> Keystore:
    keys = Keystore()
    keys.read(lines, "keylog")
    return keys


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE + b"\r\n",
        b"  " + LINE.upper().replace(b"CLIENT", b"CLIENT"),
        LINE.replace(b" ", b"\t"),
    ],
)
def test_a_line_is_a_label_a_random_and_a_secret(line: bytes) -> None:
    keys = read(line)
    secrets = keys.of(RANDOM)
    assert secrets is not None
    assert secrets["CLIENT_RANDOM"].reveal() == MASTER
    assert (keys.lines, keys.unread_lines, keys.source(RANDOM)) == (1, 0, "keylog")


@pytest.mark.parametrize(
    "line",
    [
        b"no key log at all",
        LINE[:-1],
        LINE[:40],
        LINE + b" more",
        b"\xff" * 30,
        b"CLIENT_RANDOM " + b"a" * 5000,
        LINE.replace(b"CLIENT_RANDOM", b"client random"),
    ],
)
def test_what_is_no_such_line_is_counted_and_passed_over(line: bytes) -> None:
    keys = read(line, b"", b"# a comment")
    assert keys.of(RANDOM) is None
    assert (keys.lines, keys.unread_lines) == (0, 1)
    assert keys  # a log was given, and had no key


def test_secrets_that_open_nothing_are_not_kept() -> None:
    keys = read(LINE.replace(b"CLIENT_RANDOM", b"EXPORTER_SECRET"))
    assert (keys.of(RANDOM), keys.lines) == (None, 1)


def test_the_first_of_two_secrets_of_a_label_stands() -> None:
    keys = read(LINE, LINE[:-2] + b"ff")
    secrets = keys.of(RANDOM)
    assert secrets is not None
    assert secrets["CLIENT_RANDOM"].reveal() == MASTER


def test_no_secret_can_be_printed_or_serialised() -> None:
    keys = read(LINE)
    for text in (repr(keys), str(keys), f"{keys}", repr(keys.of(RANDOM))):
        assert "LABONLY" not in text
        assert MASTER.hex() not in text
    with pytest.raises(TypeError):
        pickle.dumps(keys)
    with pytest.raises(TypeError):
        json.dumps(keys.of(RANDOM))


def test_each_suite_with_a_name_is_read_or_is_not() -> None:
    told = {name: suite_of(number) for number, name in CIPHERS.items()}
    aead = [name for name in told if "GCM" in name or "CHACHA" in name or "CCM" in name]
    assert all(told[name] is not None for name in aead if "AES" in name or "CHACHA" in name)
    assert all(told[name] is None for name in told if "3DES" in name or "CAMELLIA" in name)
    assert suite_of(0xFFFF) is None
