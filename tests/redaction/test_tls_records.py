"""Of TLS a copy keeps the headers of records and the names of hellos, and says the same of it."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterable
from dataclasses import asdict
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials.masking import Masker
from inspector.credentials.reader import CredentialReader
from inspector.exchanges.tls import shown
from inspector.native.used import USED
from inspector.protocols.tls import MAX_HELLO, TlsConversation
from inspector.redaction.tls_records import TlsMasker
from tests.flows.build import native_core
from tests.protocols.conftest import every_way, packets
from tests.protocols.test_tls import BOTH, record, records
from tests.protocols.tls_memory import Recording, client_context, converse, server_context
from tests.redaction.test_canary import unfingerprinted

KEY = b"sk-ant-api03-LABONLY" + 73 * b"k" + b"AA"


def masker(*, keep_ciphertext: bool = False) -> TlsMasker:
    return TlsMasker(Masker(bytes(32)), keep_ciphertext=keep_ciphertext)


def masked(pieces: Iterable[bytes], *, keep_ciphertext: bool = False) -> bytes:
    one = masker(keep_ciphertext=keep_ciphertext)
    return b"".join([one.feed(piece) for piece in pieces] + [one.flush()])


def told(flights: list[tuple[bool, bytes]]) -> tuple[object, ...]:
    """What an observer says of a conversation."""
    watched = TlsConversation()
    for at, (up, data) in enumerate(flights):
        watched.receive(up, [(at, at, data)])
    faults = [fault.name for fault in watched.faults]
    counts = (watched.records_up, watched.records_down, watched.app_bytes_up, watched.exact)
    facts = asdict(shown(watched.facts("closed"), CredentialReader(bytes(32))))
    facts["certificates"] = unfingerprinted(list(facts["certificates"]))
    return (facts, counts, watched.first_data_at, watched.last_data_at, faults)


def copy_of(flights: list[tuple[bool, bytes]]) -> list[tuple[bool, bytes]]:
    sides = {True: masker(), False: masker()}
    copied = [(up, bytes(sides[up].feed(data))) for up, data in flights]
    return [*copied, *((up, rest) for up, side in sides.items() if (rest := side.flush()))]


@pytest.fixture(scope="module", params=["TLSv1_2", "TLSv1_3"])
def resumed(request: pytest.FixtureRequest) -> Recording:
    """A second conversation with a server that gave a ticket in the first."""
    version = ssl.TLSVersion[request.param]
    client, server = client_context(version, "http/1.1"), server_context(version, "http/1.1")
    first = converse(client, server)
    assert first.session is not None
    return converse(client, server, session=first.session, close=True)


@BOTH
def test_the_copy_of_a_conversation_says_what_the_conversation_says(
    version: ssl.TLSVersion,
) -> None:
    made = converse(
        client_context(version, "h2", "http/1.1"), server_context(version, "http/1.1"),
        requests=2, close=True,
    )  # fmt: skip
    assert told(copy_of(made.flights)) == told(made.flights)
    assert told(made.flights)[0]["sni"] == "api.lab.test"  # type: ignore[index]


@pytest.mark.parametrize("up", [True, False], ids=["client", "server"])
def test_however_the_stream_is_cut_the_copy_is_the_same(resumed: Recording, up: bool) -> None:
    stream = resumed.of(up)
    whole = masked([stream])
    assert len(whole) == len(stream)
    for batches in every_way(packets(stream)):
        assert masked(data for batch in batches for _, _, data in batch) == whole


@pytest.mark.parametrize("up", [True, False], ids=["client", "server"])
def test_what_is_encrypted_is_blank_unless_it_is_kept(resumed: Recording, up: bool) -> None:
    stream = resumed.of(up)
    hidden, kept = masked([stream]), masked([stream], keep_ciphertext=True)
    encrypted = [body for kind, body in records(stream) if kind == 23]
    assert encrypted
    assert [body for kind, body in records(hidden) if kind == 23] == [
        b"x" * len(body) for body in encrypted
    ]
    assert [body for kind, body in records(kept) if kind == 23] == encrypted
    assert [kind for kind, _ in records(hidden)] == [kind for kind, _ in records(stream)]


def test_tickets_and_the_identities_of_keys_are_blank(resumed: Recording) -> None:
    hello = records(resumed.of(True))[0][1]
    copied = records(masked([resumed.of(True)]))[0][1]
    extensions = [kind for kind in (35, 41) if values(hello).get(kind)]
    assert extensions, "the client offers no ticket"
    for kind in extensions:
        assert values(copied)[kind] == b"x" * len(values(hello)[kind])
    assert values(copied)[0] == values(hello)[0]
    assert values(copied)[16] == values(hello)[16]
    assert copied[6:38] == hello[6:38], "a key log names the connection by its random"


def values(hello: bytes) -> dict[int, bytes]:
    """The extensions of a ClientHello message."""
    at = 4 + 34
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at] + 2
    found = {}
    while at < len(hello):
        size = int.from_bytes(hello[at + 2 : at + 4], "big")
        found[int.from_bytes(hello[at : at + 2], "big")] = hello[at + 4 : at + 4 + size]
        at += 4 + size
    return found


def extension(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def client_hello(*extensions: bytes, session: bytes = b"") -> bytes:
    block = b"".join(extensions)
    ciphers = b"\x13\x01" + b"\x4a\x4a" + b"LABONLY!"
    body = (
        b"\x03\x03" + bytes(32) + bytes([len(session)]) + session
        + len(ciphers).to_bytes(2, "big") + ciphers + b"\x01\x00"
        + len(block).to_bytes(2, "big") + block
    )  # fmt: skip
    return b"\x01" + len(body).to_bytes(3, "big") + body


def server_name(name: bytes) -> bytes:
    entry = b"\x00" + len(name).to_bytes(2, "big") + name
    return extension(0, len(entry).to_bytes(2, "big") + entry)


def test_text_where_numbers_belong_is_blank_and_so_is_what_is_not_listed() -> None:
    hello = client_hello(
        server_name(b"lab.test"), extension(4660, b"LABONLY-unlisted"),
        extension(10, b"\0\x0a\x00\x1dLABONLY!"), extension(11, b"LABONLY-points"),
        session=b"LABONLY-session-id",
    )  # fmt: skip
    out = masked([record(22, hello)])
    assert b"LABONLY" not in out
    for kept in (b"lab.test", b"\x13\x01\x4a\x4axxxxxxxx", b"\x00\x1dxxxxxxxx"):
        assert kept in out


def test_a_name_that_looks_like_a_key_is_masked() -> None:
    out = masked([record(22, client_hello(server_name(KEY)))])
    assert b"LABONLY" not in out
    assert b"sk-ant-api03-xxxx" in out


@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_hello_in_many_records_keeps_its_name(size: int) -> None:
    hello = client_hello(server_name(b"lab.test"), extension(51, b"LABONLY-share"))
    stream = b"".join(record(22, hello[at : at + size]) for at in range(0, len(hello), size))
    assert told(copy_of([(True, stream)])) == told([(True, stream)])
    assert b"LABONLY" not in b"".join(body for _, body in records(masked([stream])))


def test_behind_a_request_for_another_hello_the_second_answer_is_read() -> None:
    version = ssl.TLSVersion.TLSv1_3
    server = server_context(version)
    server.set_ecdh_curve("secp384r1")  # the client's first guess is another curve
    made = converse(client_context(version), server, close=True)
    kinds = [kind for kind, _ in records(made.of(False))]
    assert kinds[:3] == [22, 20, 22], "the server asked for no second hello"
    assert told(copy_of(made.flights)) == told(made.flights)


@pytest.mark.parametrize("kind", [0, 3, 4, 11, 12, 13, 15, 16, 22, 99])
def test_of_other_messages_stays_their_type_and_length(kind: int) -> None:
    message = bytes([kind]) + b"\x00\x00\x0f" + b"LABONLY message"
    assert masked([record(22, message)]) == record(22, message[:4] + b"x" * 15)


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_a_gap_in_a_hello_costs_the_copy_what_it_costs_the_original(cut: int) -> None:
    hello = record(22, client_hello(server_name(b"lab.test"), extension(51, bytes(60))))
    rest = random.Random(cut).randbytes(40)
    following = record(23, rest)

    def watched(copied: bool) -> object:
        one, seen = masker(), TlsConversation()
        first = bytes(one.feed(hello[:cut]) + one.flush()) if copied else hello[:cut]
        seen.receive(True, [(0, 0, first)])
        missing = min(20, len(hello) - cut)
        one.gap(missing)
        seen.gap(True, missing, 1, 1)
        after = hello[cut + missing :] + following
        seen.receive(True, [(2, 2, bytes(one.feed(after) + one.flush()) if copied else after)])
        return seen.facts("open"), seen.exact, [fault.name for fault in seen.faults]

    assert watched(True) == watched(False)


def test_a_gap_within_a_record_loses_nothing_behind_it() -> None:
    one = masker()
    first = one.feed(record(23, bytes(100))[:50]) + one.flush()
    one.gap(55)
    assert first == b"\x17\x03\x03\x00\x64" + b"x" * 45
    assert one.feed(record(21, b"\x01\x00") + record(24, b"LABONLY")) == (
        record(21, b"\x01\x00") + record(24, b"x" * 7)
    )


def test_where_no_record_begins_everything_is_blank_to_the_end() -> None:
    out = masked([record(23, b"LABONLY"), b"LABONLY: not a record\r\n", record(22, b"LABONLY")])
    assert out[:12] == record(23, b"x" * 7)
    assert set(out[12:]) == {ord("x")}


def test_a_header_that_must_be_decided_in_two_keeps_its_form() -> None:
    for cut in range(1, 5):
        one = masker()
        header = record(23, bytes(300))[:5]
        out = one.feed(header[:cut]) + one.flush() + one.feed(header[cut:] + bytes(300))
        assert out == header + b"x" * 300


def test_what_waits_of_a_hello_is_bounded() -> None:
    message = b"\x01\x02\x00\x00" + client_hello(server_name(b"lab.test"))[4:] + bytes(1 << 17)
    stream = b"".join(record(22, message[at : at + 9000]) for at in range(0, 1 << 17, 9000))
    one, waiting = masker(), 0
    out = b""
    for at in range(0, len(stream), 1000):
        piece = stream[at : at + 1000]
        out += one.feed(piece)
        waiting = max(waiting, at + len(piece) - len(out))
    assert waiting <= MAX_HELLO + 1000
    assert told([(True, out + one.flush())]) == told([(True, stream)])


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_header_that_was_decided_in_part_is_not_decided_again(cut: int) -> None:
    """Found by damaged conversations: two flushes while a header comes byte by byte."""
    data = b"\x17\x03\x03\x00\x07LABONLY"
    reader = TlsMasker(Masker(bytes(32)))
    out = reader.feed(data[:cut]) + reader.flush()
    out += reader.flush() + reader.feed(data[cut:5]) + reader.flush() + reader.feed(data[5:])
    assert out + reader.flush() == data[:5] + b"x" * 7


@pytest.mark.parametrize("keep", [False, True])
@given(st.lists(st.tuples(st.sampled_from([20, 21, 22, 23, 23, 23, 23, 99]), st.integers(0, 40))),
       st.lists(st.integers(1, 60), max_size=20), st.booleans())  # fmt: skip
def test_both_engines_write_the_same_of_any_records(
    keep: bool, told: list[tuple[int, int]], cuts: list[int], is_bytewise: bool
) -> None:
    """However they are cut, and whatever follows application data."""
    stream = b"".join(record(kind, bytes(range(size))) for kind, size in told)
    pieces, at = [], 0
    for cut in [1] * len(stream) if is_bytewise else [*cuts, len(stream)]:
        pieces.append(stream[at : at + cut])
        at += cut
    found = []
    for core in (None, native_core()):
        one = masker(keep_ciphertext=keep)
        with patch.object(USED, "core", core):
            found.append(([one.feed(piece) for piece in pieces] + [one.flush()], one.changed))
    assert found[0] == found[1]


def test_of_application_data_the_compiled_engine_reads_no_record_in_python() -> None:
    data = b"".join(record(23, bytes([number]) * 40) for number in range(9))
    one = masker()
    with patch.object(USED, "core", native_core()), patch.object(one, "_feed", None):
        parts = [one.feed(data[:50]), one.feed(data[50:])]
    assert b"".join(parts) == (data[:5] + b"x" * 40) * 9
    assert one.changed


def hello_of(extensions: bytes) -> bytes:
    body = b"\x03\x03" + 32 * b"r" + b"\0" + b"\0\x02\x13\x01" + b"\x01\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    return record(22, b"\x01" + len(body).to_bytes(3, "big") + body)


@pytest.mark.parametrize(
    "extensions",
    [
        # The length of a name is one too small: its last letter is read as a type.
        b"\0\0\0\x0c\0\x0a\0\0\x07lab.tes%c\0\x0b\0\0\x0b\0\x02\x01\0",
        b"\0\0\0\x0c\0\x0a\0\0\x07lab.tes%c\0\0",
        # Or as the length of an extension that is cut, of a name, of a list.
        b"\0\x0b%cbc",
        b"\0\0\0\x0e\0\x0c?\0\0\x07%cab.test",
        b"\0\0\0\x0e\0\x0c%c\0\x01\x07xab.test",
        b"\0\x0a\0\x06%cab.te",
    ],
)
def test_a_letter_that_a_lying_length_makes_a_number_is_none(extensions: bytes) -> None:
    one, other = (hello_of(extensions % letter) for letter in b"tk")
    assert masked([one]) == masked([other])
    told_of_one, told_of_copy = (told([(True, data)]) for data in (one, masked([one])))
    assert told_of_copy[1:] == told_of_one[1:]


def test_types_of_extensions_that_somebody_registered_stay() -> None:
    kinds = (0, 13, 0x3374, 0x44CD, 0xFE0D, 0xFF01, 0x2A2A)
    extensions = b"".join(kind.to_bytes(2, "big") + b"\0\0" for kind in kinds)
    assert extensions in masked([hello_of(extensions)])
    assert b"\x42\0\0\0" not in masked([hello_of(extensions + b"\x42\0\0\0")])
