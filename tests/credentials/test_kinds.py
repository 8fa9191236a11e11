"""What a shape says of a credential, and what it never says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials.kinds import (
    LABEL,
    SHAPES,
    classify,
    core_of,
    describe,
    label,
)
from inspector.secret import Secret
from inspector.secrets.constants import PLACEHOLDERS
from tests.credentials.canary import PREFIXED, leaks, secrets

KEY = b"a key of the tests, 32 bytes wide"


@pytest.mark.parametrize(("prefix", "kind"), PREFIXED.items())
def test_a_documented_prefix_tells_the_kind(prefix: str, kind: str) -> None:
    assert classify(Secret(f"{prefix}LABONLY".encode())) == (kind, prefix)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"eyJhbGciOiJub25lIn0.eyJsYWIiOjF9.LABONLY", "jwt"),
        (b"eyJhbGciOiJub25lIn0.eyJsYWIiOjF9.", "jwt"),
        (b"0123456789abcdef0123456789ABCDEF", "azure-key"),
        (b"L" * 52 + b"JQQJ9" + b"L" * 27, "azure-key"),
        (b"sk-or-v1-LABONLY", "unknown"),
        (b"LABONLY", "unknown"),
        (b"eyJhbGciOiJub25lIn0", "unknown"),
        (b"", "empty"),
    ],
)
def test_shapes_without_a_prefix_show_none(value: bytes, kind: str) -> None:
    assert classify(Secret(value)) == (kind, None)


@pytest.mark.parametrize("constant", sorted(PLACEHOLDERS))
def test_a_placeholder_is_recognised_exactly(constant: str) -> None:
    assert classify(Secret(constant.encode())) == ("placeholder", None)
    for other in (constant[:-1], constant + "x", constant.upper()):
        assert classify(Secret(other.encode()))[0] != "placeholder"


@pytest.mark.parametrize("around", [b'"%s"', b"'%s'", b"%s\x0b", b"\x00%s", b" %s\r"])
def test_the_key_within_a_damaged_copy_is_found(around: bytes) -> None:
    assert core_of(Secret(around % b"sk-ant-api03-LABONLY")).reveal() == b"sk-ant-api03-LABONLY"


@given(st.binary(max_size=120))
def test_a_prefix_is_always_a_documented_constant(value: bytes) -> None:
    documented = {shape.prefix for shape in SHAPES}
    assert classify(Secret(value))[1] in documented


@given(st.sampled_from(sorted(PREFIXED)), secrets)
def test_a_label_shows_nothing_of_the_key(prefix: str, secret: str) -> None:
    value = Secret((prefix + secret).encode())
    shown = label(describe(value, value, b"", KEY, set()))
    assert re.fullmatch(LABEL, shown)
    assert f"{len(value)} bytes" in shown
    assert leaks(secret, shown) == []


def test_a_fingerprint_depends_on_the_key_of_the_run() -> None:
    value = Secret(b"LABONLY")
    one = describe(value, value, b"", KEY, set())
    other = describe(value, value, b"", KEY + b"2", set())
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == value.fingerprint(KEY)
