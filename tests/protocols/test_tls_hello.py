"""What hellos say in the clear, and what is left of damaged ones."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.tls_hello import parse_client_hello, parse_server_hello


def vector(size: int, body: bytes) -> bytes:
    return len(body).to_bytes(size, "big") + body


def extension(kind: int, body: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(2, body)


def client_hello(*extensions: bytes) -> bytes:
    start = b"\x03\x03" + bytes(32) + vector(1, b"") + vector(2, b"\x13\x01") + vector(1, b"\0")
    return start + (vector(2, b"".join(extensions)) if extensions else b"")


def server_hello(*extensions: bytes, random: bytes = bytes(32), version: int = 0x0303) -> bytes:
    start = version.to_bytes(2, "big") + random + vector(1, b"") + b"\x13\x02\x00"
    return start + (vector(2, b"".join(extensions)) if extensions else b"")


def sni(name: bytes, kind: int = 0) -> bytes:
    return extension(0, vector(2, bytes([kind]) + vector(2, name)))


def test_grease_values_are_left_out_of_versions_and_protocols() -> None:
    hello = parse_client_hello(
        client_hello(
            extension(0x1A1A, b""),
            extension(43, vector(1, b"\x7a\x7a\x03\x04\x03\x03")),
            extension(16, vector(2, vector(1, b"\x0a\x0a") + vector(1, b"h2"))),
        )
    )
    assert hello.versions == (0x0304, 0x0303)
    assert hello.alpn == ("h2",)


def test_a_hello_without_extensions_offers_its_legacy_version() -> None:
    hello = parse_client_hello(client_hello())
    assert (hello.sni, hello.alpn, hello.versions, hello.whole) == (None, (), (0x0303,), True)


def test_the_first_host_name_is_the_server_name() -> None:
    assert parse_client_hello(client_hello(sni(b"api.lab.test"))).sni == "api.lab.test"
    assert parse_client_hello(client_hello(sni(b"other kind", kind=9))).sni is None


def test_a_name_longer_than_dns_allows_is_cut() -> None:
    assert len(parse_client_hello(client_hello(sni(bytes(5000)))).sni or "") == 255


def test_early_data_is_noticed() -> None:
    assert parse_client_hello(client_hello(extension(42, b""))).early_data
    assert not parse_client_hello(client_hello(sni(b"x"))).early_data


def test_the_version_of_tls13_stands_in_an_extension() -> None:
    hello = parse_server_hello(server_hello(extension(43, b"\x03\x04")))
    assert (hello.version, hello.cipher, hello.retry) == (0x0304, 0x1302, False)


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302, 0x0303])
def test_older_versions_stand_in_the_hello_itself(version: int) -> None:
    assert parse_server_hello(server_hello(version=version)).version == version


def test_a_hello_retry_request_is_known_by_its_random() -> None:
    fixed = hashlib.sha256(b"HelloRetryRequest").digest()
    assert parse_server_hello(server_hello(random=fixed)).retry


def test_what_precedes_a_lying_length_is_kept() -> None:
    body = client_hello(sni(b"api.lab.test"), extension(16, b"\xff\xff"))
    hello = parse_client_hello(body)
    assert (hello.sni, hello.alpn, hello.whole) == ("api.lab.test", (), False)


def test_a_hello_cut_anywhere_is_not_whole_and_no_error() -> None:
    body = client_hello(sni(b"api.lab.test"), extension(43, vector(1, b"\x03\x04")))
    no_extensions = len(client_hello())
    for size in range(len(body)):
        assert parse_client_hello(body[:size]).whole is (size == no_extensions)


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read_as_either_hello(body: bytes) -> None:
    parse_client_hello(body)
    parse_server_hello(body)
    assert parse_client_hello(client_hello() + body).versions
