"""Keys are held inside `Secret` alone, so that nothing prints or serialises them."""

from __future__ import annotations

import pickle

import pytest

from inspector.decryption.opening import Aead12, Cbc12, Key13
from inspector.decryption.suites import Suite, suite_of
from inspector.secret import Secret

KEY = Secret(b"LABONLY-LABONLY-LABONLY-LABONLY-")


def suite(number: int) -> Suite:
    found = suite_of(number)
    assert found is not None
    return found


KEYS = [
    Key13(suite(0x1303), KEY),
    Aead12(suite(0xCCA8), KEY, Secret(bytes(12))),
    Cbc12(suite(0xC00A), KEY, KEY, is_mac_last=False),
]
each = pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)


@each
def test_what_a_key_holds_is_no_raw_secret(key: object) -> None:
    held = [getattr(key, name) for name in type(key).__slots__]  # type: ignore[attr-defined]
    assert not [one for one in held if isinstance(one, bytes | str | bytearray)]
    assert [one for one in held if isinstance(one, Secret)]
    assert repr(key) == f"<{type(key).__name__}>"


@each
def test_a_key_is_not_serialised(key: object) -> None:
    with pytest.raises(TypeError, match="not serialised"):
        pickle.dumps(key)
