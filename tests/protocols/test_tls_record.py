"""Records and handshake messages of real TLS conversations stand where they are said to."""

from __future__ import annotations

import random
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.extent import Extent
from inspector.protocols.messages import EVERYTHING
from inspector.protocols.tls_record import (
    PARTS_LIMIT,
    HandshakeMessage,
    NoRecord,
    TlsRecord,
    TlsRecords,
)
from tests.protocols.conftest import every_way, packets
from tests.protocols.test_tls import BOTH, hello_message, record, records
from tests.protocols.tls_memory import Recording, client_context, converse, server_context

Found = list[TlsRecord | HandshakeMessage | NoRecord]


def recorded(version: ssl.TLSVersion) -> Recording:
    return converse(client_context(version), server_context(version), requests=2, close=True)


def walk(stream: bytes, start: int = 0) -> Found:
    return TlsRecords(start).feed(stream)


def messages(found: Found) -> list[HandshakeMessage]:
    return [one for one in found if isinstance(one, HandshakeMessage)]


@BOTH
@pytest.mark.parametrize("up", [True, False], ids=["client", "server"])
def test_every_byte_belongs_to_a_record_however_the_stream_is_cut(
    version: ssl.TLSVersion, up: bool
) -> None:
    stream = recorded(version).of(up)
    for batches in every_way(packets(stream)):
        walker = TlsRecords()
        found = [one for batch in batches for _, _, data in batch for one in walker.feed(data)]
        walked = [one for one in found if isinstance(one, TlsRecord)]
        end = 0
        for one in walked:
            assert one.header.start == end
            assert one.header.stop == one.body.start
            end = one.body.stop
        assert end == len(stream)
        assert [(one.kind, stream[one.body.start : one.body.stop]) for one in walked] == records(
            stream
        )
        assert found == walk(stream)


def test_handshake_messages_have_the_names_of_their_types() -> None:
    old, new = recorded(ssl.TLSVersion.TLSv1_2), recorded(ssl.TLSVersion.TLSv1_3)
    told = {
        (made.version, up): [message.name for message in messages(walk(made.of(up)))]
        for made in (old, new)
        for up in (True, False)
    }
    assert told == {
        # What follows a ChangeCipherSpec is encrypted.
        ("TLSv1.2", True): ["client_hello", "client_key_exchange"],
        ("TLSv1.2", False): [
            "server_hello", "certificate", "server_key_exchange", "server_hello_done",
            "new_session_ticket",
        ],
        ("TLSv1.3", True): ["client_hello"],
        ("TLSv1.3", False): ["server_hello"],
    }  # fmt: skip


def test_a_message_over_several_records_has_a_part_in_each() -> None:
    hello = hello_message(recorded(ssl.TLSVersion.TLSv1_3).of(True))
    stream = b"".join(record(22, hello[at : at + 60]) for at in range(0, len(hello), 60))
    for batches in every_way(packets(stream)):
        walker = TlsRecords()
        (message,) = messages(
            [one for batch in batches for _, _, data in batch for one in walker.feed(data)]
        )
        assert b"".join(stream[start:stop] for start, stop in message.parts) == hello
        assert len(message.parts) == -(-len(hello) // 60)


def test_messages_that_share_a_record_have_places_of_their_own() -> None:
    first, second, third = b"\x0e\0\0\0", b"\x63\0\0\x02ab", b"\x02\0\0\x01c"
    found = walk(record(22, first + second + third), start=100)
    assert messages(found) == [
        HandshakeMessage("server_hello_done", (Extent(105, 109),)),
        HandshakeMessage("handshake type 99", (Extent(109, 115),)),
        HandshakeMessage("server_hello", (Extent(115, 120),)),
    ]


@BOTH
def test_bodies_that_nobody_needs_can_be_skipped(version: ssl.TLSVersion) -> None:
    stream = recorded(version).of(False)
    chance = random.Random(7)
    walker, found, position = TlsRecords(), [], 0
    while position < len(stream):
        if walker.skippable:
            size = chance.randint(1, walker.skippable)
            walker.skip(size)
        else:
            size = chance.randint(1, 9)
            found += walker.feed(stream[position : position + size])
        position += size
    assert found == walk(stream)


def test_behind_a_gap_in_a_body_records_go_on_and_messages_do_not() -> None:
    stream = record(22, b"\x02\0\0\x40" + bytes(64)) + record(22, b"\x0e\0\0\0") + record(23, b"x")
    walker = TlsRecords()
    found = walker.feed(stream[:20])
    walker.gap(30)
    found += walker.feed(stream[50:])
    assert found == [one for one in walk(stream) if isinstance(one, TlsRecord)]
    assert not walker.lost


@pytest.mark.parametrize(("before", "missing"), [(0, 1), (3, 1), (5, 4), (6, 3), (8, 2)])
def test_behind_a_gap_over_a_header_nothing_is_told(before: int, missing: int) -> None:
    stream = record(23, b"abc") * 3
    walker = TlsRecords()
    walker.feed(stream[:before])
    walker.gap(missing)
    assert walker.lost
    assert walker.feed(stream[before + missing :]) == []


def test_where_no_record_begins_the_walk_ends() -> None:
    stream = record(23, b"abc") + b"HTTP/1.1 200 OK\r\n"
    for batches in every_way(packets(stream)):
        walker = TlsRecords()
        found = [one for batch in batches for _, _, data in batch for one in walker.feed(data)]
        assert found[1:] == [NoRecord(8)]
        assert walker.skippable == EVERYTHING
        assert walker.feed(stream) == []


def test_a_message_over_more_records_than_is_sane_is_not_told() -> None:
    body = b"\x01" + PARTS_LIMIT.to_bytes(3, "big") + bytes(PARTS_LIMIT)
    assert messages(walk(b"".join(record(22, body[at : at + 1]) for at in range(len(body))))) == []
    fits = b"\x01" + (PARTS_LIMIT - 4).to_bytes(3, "big") + bytes(PARTS_LIMIT - 4)
    stream = b"".join(record(22, fits[at : at + 1]) for at in range(len(fits)))
    assert [message.name for message in messages(walk(stream))] == ["client_hello"]


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_no_bytes_raise(parts: list[bytes]) -> None:
    walker = TlsRecords()
    for part in parts:
        walker.feed(b"\x16\x03\x03\x00\x05" + part)
        walker.gap(len(part) % 3)
