"""What an observer without keys may say of a TLS conversation, against real ones."""

from __future__ import annotations

import hashlib
import random
import ssl
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.network import Tls
from inspector.protocols.messages import EVERYTHING
from inspector.protocols.tls import TlsConversation
from tests.protocols.tls_memory import (
    Flight,
    Recording,
    authority,
    client_context,
    converse,
    server_context,
)

V12 = ssl.TLSVersion.TLSv1_2
V13 = ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [V12, V13], ids=["TLS 1.2", "TLS 1.3"])

#: ssl.SSLObject.version() writes it without the space.
REGISTERED = {"TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}


def whole(flights: list[Flight]) -> Iterator[Flight]:
    yield from flights


def bytewise(flights: list[Flight]) -> Iterator[Flight]:
    for up, data in flights:
        for index in range(len(data)):
            yield up, data[index : index + 1]


def split(flights: list[Flight]) -> Iterator[Flight]:
    chance = random.Random(20)
    for up, data in flights:
        while data:
            size = chance.randint(1, 700)
            yield up, data[:size]
            data = data[size:]


FEEDS: dict[str, Callable[[list[Flight]], Iterator[Flight]]] = {
    "whole": whole,
    "bytewise": bytewise,
    "split": split,
}


def watch(flights: list[Flight], feed: str = "whole", *, skipping: bool = False) -> TlsConversation:
    """Show the conversation's bytes to an observer, each segment as one packet."""
    seen = TlsConversation()
    for number, (up, data) in enumerate(FEEDS[feed](flights), start=1):
        while skipping and data and seen.skippable(up):
            size = min(len(data), seen.skippable(up))
            seen.skip(up, size, number, number)
            data = data[size:]
            if data:
                seen.receive(up, [(number, number, data[:1])])
                data = data[1:]
        if data:
            seen.receive(up, [(number, number, data)])
    return seen


def outcome(flights: list[Flight], feed: str = "whole") -> Tls:
    """The facts after both ends closed; every feed must say the same."""
    facts = watch(flights, feed).facts("closed")
    assert watch(flights, feed, skipping=True).facts("closed") == facts
    return facts


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    return bytes([kind]) + version.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def records(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        size = int.from_bytes(data[3:5], "big")
        found.append((data[0], data[5 : 5 + size]))
        data = data[5 + size :]
    return found


def hello_message(data: bytes) -> bytes:
    """The first handshake message, from a stream that begins with it."""
    body = b"".join(body for kind, body in records(data) if kind == 22)
    return body[: 4 + int.from_bytes(body[1:4], "big")]


@pytest.fixture(scope="module")
def plain13() -> Recording:
    return converse(client_context(V13, "h2", "http/1.1"), server_context(V13, "http/1.1"))


@pytest.fixture(scope="module")
def plain12() -> Recording:
    return converse(client_context(V12, "h2", "http/1.1"), server_context(V12, "http/1.1"))


@pytest.mark.parametrize("feed", FEEDS)
@BOTH
def test_a_handshake_with_data_both_ways_is_complete(version: ssl.TLSVersion, feed: str) -> None:
    made = converse(client_context(version, "h2", "http/1.1"), server_context(version, "http/1.1"))
    facts = outcome(made.flights, feed)
    assert made.client_done
    assert made.server_done
    assert facts.sni == "api.lab.test"
    assert facts.alpn_offered == ("h2", "http/1.1")
    assert facts.version == REGISTERED[made.version or ""]
    assert facts.handshake == "complete"
    assert facts.alerts == ()


@BOTH
def test_a_handshake_needs_no_data_to_be_complete(version: ssl.TLSVersion) -> None:
    made = converse(client_context(version), server_context(version), requests=0)
    assert outcome(made.flights).handshake == "complete"


@BOTH
def test_a_resumed_session_is_complete_whoever_finishes_first(version: ssl.TLSVersion) -> None:
    client, server = client_context(version), server_context(version)
    first = converse(client, server)
    again = converse(client, server, session=first.session, requests=0)
    assert len(again.of(False)) < len(first.of(False))  # no certificate: really resumed
    assert outcome(again.flights).handshake == "complete"


@pytest.mark.parametrize("feed", FEEDS)
@BOTH
def test_a_refused_certificate_is_a_failure(version: ssl.TLSVersion, feed: str) -> None:
    made = converse(client_context(version, trusting=False), server_context(version))
    facts = outcome(made.flights, feed)
    assert not made.client_done
    assert facts.handshake == "failed"
    assert facts.alerts == ("fatal unknown_ca (client)",)


@BOTH
def test_a_client_without_the_certificate_it_was_asked_for_fails(version: ssl.TLSVersion) -> None:
    server = server_context(version)
    server.verify_mode = ssl.CERT_REQUIRED
    made = converse(client_context(version), server)
    # In TLS 1.3 the client believes itself done; only the server knows better.
    assert not made.server_done
    assert outcome(made.flights).handshake == "failed"


@BOTH
def test_a_client_certificate_before_the_finished_does_not_confuse(version: ssl.TLSVersion) -> None:
    client, server = client_context(version), server_context(version)
    authority().issue_cert("client@lab.test").configure_cert(client)
    authority().configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    assert outcome(converse(client, server).flights).handshake == "complete"


@pytest.mark.parametrize("feed", FEEDS)
def test_a_hello_retry_request_is_no_server_hello(feed: str) -> None:
    server = server_context(V13)
    server.set_ecdh_curve("secp384r1")  # not the curve whose share clients send unasked
    made = converse(client_context(V13), server)
    assert sum(up for up, _ in made.flights[:3]) == 2  # the client said hello twice
    facts = outcome(made.flights, feed)
    assert (facts.version, facts.handshake) == ("TLS 1.3", "complete")


def test_versions_without_overlap_end_in_an_alert() -> None:
    facts = outcome(converse(client_context(V13), server_context(V12)).flights)
    assert facts.handshake == "failed"
    assert facts.version is None
    assert facts.alerts == ("fatal protocol_version (server)",)


def test_an_alert_sized_first_record_of_a_tls13_client_is_a_refusal(plain13: Recording) -> None:
    # Stacks that encrypt at once (BoringSSL, Go) send 2 + 1 + 16 bytes of type 23.
    flights = [*plain13.flights[:2], (True, record(20, b"\x01") + record(23, bytes(19)))]
    seen = watch(flights)
    assert seen.facts("open").handshake == "failed"


def test_a_finished_alone_is_not_enough_while_the_server_is_silent(plain13: Recording) -> None:
    seen = watch(plain13.flights[:3])
    assert seen.facts("open").handshake == "incomplete"
    assert seen.facts("closed").handshake == "failed"


@BOTH
def test_a_capture_that_ends_within_the_handshake_leaves_it_incomplete(
    version: ssl.TLSVersion,
) -> None:
    made = converse(client_context(version), server_context(version))
    for count in (1, 2):
        assert watch(made.flights[:count]).facts("open").handshake == "incomplete"


@pytest.mark.parametrize("reset", [True, False])
def test_an_end_after_the_client_hello_is_a_failure(plain13: Recording, reset: bool) -> None:
    seen = watch(plain13.flights[:1])
    seen.close(False, 9, 9, reset)
    assert seen.facts("open").handshake == "failed"


def test_a_close_after_the_handshake_changes_nothing(plain13: Recording) -> None:
    seen = watch(plain13.flights)
    seen.close(True, 9, 9, True)
    assert seen.facts("closed").handshake == "complete"
    assert seen.faults == []


def test_a_close_within_a_record_is_named(plain13: Recording) -> None:
    seen = TlsConversation()
    seen.receive(True, [(1, 1, plain13.of(True)[:-1])])
    seen.close(True, 2, 2, True)
    assert [fault.name for fault in seen.faults] == ["tls-cut-record"]


def test_a_warning_is_survived_by_tls12_only(plain12: Recording, plain13: Recording) -> None:
    unrecognized_name = record(21, b"\x01\x70")
    for made, expected in ((plain12, "complete"), (plain13, "failed")):
        up, flight = made.flights[1]
        assert not up
        first = 5 + int.from_bytes(flight[3:5], "big")
        flights = [made.flights[0], (False, flight[:first] + unrecognized_name + flight[first:])]
        facts = watch(flights + made.flights[2:]).facts("open")
        assert facts.alerts == ("warning unrecognized_name (server)",)
        assert facts.handshake == expected


def test_conversations_picked_up_after_the_hello_are_not_seen(plain13: Recording) -> None:
    up, request = plain13.flights[-2]
    seen = watch([(up, request), plain13.flights[-1]])
    facts = seen.facts("closed")
    assert facts == Tls(None, None, (), None, "not seen")
    assert seen.records_up >= 1
    assert seen.first_data_at == 1


def test_application_records_are_counted_as_they_are_on_the_wire(plain12: Recording) -> None:
    seen = watch(plain12.flights)
    for up, count, size in (
        (True, seen.records_up, seen.app_bytes_up),
        (False, seen.records_down, seen.app_bytes_down),
    ):
        data = [body for kind, body in records(plain12.of(up)) if kind == 23]
        assert (count, size) == (len(data), sum(map(len, data)))
    assert seen.exact


@pytest.mark.parametrize("feed", FEEDS)
@BOTH
def test_data_that_came_back_is_told_from_the_handshake(version: ssl.TLSVersion, feed: str) -> None:
    """In TLS 1.3 the server's flight before the client's Finished is of type 23, too."""
    made = converse(client_context(version), server_context(version))
    behind = made.flights if version is V12 else made.flights[3:]
    bodies = [body for up, data in behind if not up for kind, body in records(data) if kind == 23]
    seen = watch(made.flights, feed)
    assert seen.data_down == sum(map(len, bodies)) > 1000
    assert seen.app_bytes_down - seen.data_down == (0 if version is V12 else len(flight_of(made)))


def flight_of(made: Recording) -> bytes:
    """The encrypted part of the server's handshake."""
    _, data = made.flights[1]
    return b"".join(body for kind, body in records(data) if kind == 23)


@BOTH
def test_the_begun_record_and_what_a_filter_cut_came_back_as_well(version: ssl.TLSVersion) -> None:
    made = converse(client_context(version), server_context(version))
    up, answer = made.flights[-1]
    assert not up
    seen = watch(made.flights[:-1])
    before = seen.data_down
    assert before is not None

    seen.receive(False, [(9, 9, answer[:205])])
    assert seen.data_down == before + 200

    seen = watch(made.flights[:-1])
    assert seen.cut(False, 1, 9, 9, len(answer))
    assert seen.data_down == before + len(answer) - 5
    assert seen.cut(False, 0, 9, 9, 31)
    alert = 31 if version is V13 else 0
    assert seen.data_down == before + len(answer) - 5 + alert


def test_what_came_back_is_not_known_without_the_hellos_or_a_records_border(
    plain13: Recording,
) -> None:
    assert watch(plain13.flights[-2:]).data_down is None
    seen = watch(plain13.flights)
    seen.gap(False, 100, 9, 9)
    assert seen.data_down is None


def test_data_is_timed_from_after_the_handshake(plain12: Recording, plain13: Recording) -> None:
    for made, expected in (
        # The request is the first type 23 of TLS 1.2; in TLS 1.3 what follows the Finished.
        (plain12, next(n for n, (_, data) in enumerate(made_data(plain12), 1) if data)),
        (plain13, 4),
    ):
        seen = watch(made.flights)
        assert seen.first_data_at == expected
        assert seen.last_data_at == len(made.flights)


def made_data(made: Recording) -> list[tuple[bool, bool]]:
    """For each flight, whether it holds a record of type 23."""
    return [(up, any(kind == 23 for kind, _ in records(data))) for up, data in made.flights]


def test_the_digest_is_of_the_whole_client_hello(plain13: Recording) -> None:
    for feed in FEEDS:
        seen = watch(plain13.flights, feed)
        message = hello_message(plain13.of(True))
        assert seen.client_hello_digest == hashlib.sha256(message).digest()


def test_a_client_hello_may_span_records(plain13: Recording) -> None:
    message = hello_message(plain13.of(True))
    spread = b"".join(record(22, message[at : at + 50]) for at in range(0, len(message), 50))
    one, many = watch([(True, record(22, message))]), watch([(True, spread)])
    assert many.facts("open") == one.facts("open")
    assert many.client_hello_digest == one.client_hello_digest


def test_only_record_headers_are_asked_for_once_the_hello_is_read(plain13: Recording) -> None:
    seen = watch(plain13.flights)
    assert seen.skippable(True) == 0
    seen.receive(True, [(9, 9, record(23, bytes(16000))[:5])])
    assert seen.skippable(True) == 16000
    seen.skip(True, 15999, 10, 10)
    assert (seen.skippable(True), seen.last_data_at) == (1, 10)


def test_a_gap_within_a_record_does_not_lose_the_walk(plain13: Recording) -> None:
    seen = watch(plain13.flights[:2])
    before = seen.records_down
    seen.receive(False, [(3, 3, record(23, bytes(500))[:100])])
    seen.gap(False, 405, 4, 4)
    assert seen.records_down == before + 1
    seen.receive(False, [(5, 5, record(23, bytes(30)))])
    assert seen.records_down == before + 2
    assert seen.exact


def test_a_gap_at_a_record_border_makes_counts_lower_bounds(plain13: Recording) -> None:
    seen = watch(plain13.flights)
    seen.gap(False, 10, 9, 9)
    assert not seen.exact
    assert seen.skippable(False) == EVERYTHING
    assert [fault.name for fault in seen.faults] == ["tls-records-lost"]
    assert seen.facts("closed").handshake == "complete"


def test_packets_missing_within_the_handshake_leave_it_incomplete(plain13: Recording) -> None:
    seen = watch(plain13.flights[:1])
    seen.gap(False, len(plain13.flights[1][1]), 2, 2)
    for number, (up, data) in enumerate(plain13.flights[2:], start=3):
        seen.receive(up, [(number, number, data)])
    assert seen.facts("closed").handshake == "incomplete"


def test_an_encrypted_alert_behind_a_hole_in_the_handshake_is_no_failure() -> None:
    flights = converse(client_context(V12), server_context(V12)).flights
    seen = watch(flights[:1])
    seen.receive(False, [(2, 2, flights[1][1][:100])])
    seen.gap(False, len(flights[1][1]) - 100, 2, 2)
    for up, data in flights[2:]:
        seen.receive(up, [(3, 3, data)])
    seen.receive(True, [(4, 4, record(21, bytes(26)))])
    assert seen.facts("closed").handshake == "incomplete"


def test_a_gap_in_the_client_hello_still_shows_what_came_before_it(plain13: Recording) -> None:
    hello = plain13.flights[0][1]
    name = hello.index(b"api.lab.test") + len(b"api.lab.test")
    seen = TlsConversation()
    seen.receive(True, [(1, 1, hello[:name])])
    seen.gap(True, len(hello) - name, 2, 2)
    assert seen.facts("open").sni == "api.lab.test"
    assert seen.client_hello_digest is None
    assert [fault.name for fault in seen.faults] == ["tls-bad-hello"]


def test_a_server_that_does_not_speak_tls_fails_the_handshake(plain13: Recording) -> None:
    flights = [plain13.flights[0], (False, b"HTTP/1.1 400 Bad Request\r\n\r\n")]
    seen = watch(flights)
    assert [fault.name for fault in seen.faults] == ["tls-bad-record"]
    assert seen.facts("closed").handshake == "failed"


def test_a_hello_that_claims_megabytes_is_not_collected() -> None:
    seen = TlsConversation()
    seen.receive(True, [(1, 1, record(22, b"\x01\xff\xff\xff" + bytes(1000)))])
    assert [fault.name for fault in seen.faults] == ["tls-bad-hello"]
    assert seen.skippable(True) == 0


chunk = st.one_of(
    st.binary(max_size=60),
    st.builds(record, st.integers(19, 25), st.binary(max_size=80), st.integers(0x02FF, 0x0305)),
    st.builds(
        lambda kind, size, body: record(22, bytes([kind]) + size.to_bytes(3, "big") + body),
        st.integers(0, 3),
        st.integers(0, 200),
        st.binary(max_size=100),
    ),
)
step = st.tuples(st.booleans(), st.sampled_from(["receive", "skip", "gap", "close"]), chunk)


@given(st.lists(step, max_size=12))
def test_nothing_captured_raises(steps: list[tuple[bool, str, bytes]]) -> None:
    seen = TlsConversation()
    for number, (up, what, data) in enumerate(steps):
        if what == "receive":
            seen.receive(up, [(number, number, data)])
        elif what == "skip":
            seen.skip(up, min(len(data), seen.skippable(up)), number, number)
        elif what == "gap":
            seen.gap(up, len(data), number, number)
        else:
            seen.close(up, number, number, not data)
        assert seen.skippable(True) >= 0
        assert seen.skippable(False) >= 0
    assert seen.facts("open").handshake in {"complete", "failed", "incomplete", "not seen"}


@given(st.integers(0, 5000), st.integers(0, 255), st.integers(1, 400))
def test_a_damaged_conversation_is_told_alike_however_it_is_cut(
    plain13: Recording, offset: int, value: int, size: int
) -> None:
    flights = list(plain13.flights)
    for index, (up, data) in enumerate(flights):
        if offset < len(data):
            flights[index] = (up, data[:offset] + bytes([value]) + data[offset + 1 :])
            break
        offset -= len(data)
    cut = [(up, d[at : at + size]) for up, d in flights for at in range(0, len(d), size)]
    one, other = watch(flights), watch(cut)
    assert one.facts("closed") == other.facts("closed")
    assert (one.records_up, one.records_down) == (other.records_up, other.records_down)
    assert [fault.name for fault in one.faults] == [fault.name for fault in other.faults]


RECORDS = st.lists(
    st.tuples(
        st.sampled_from([23, 23, 23, 23, 21, 22, 20, 99]),
        st.sampled_from([0x0303, 0x0303, 0x0303, 0x0301]),
        st.integers(0, 300),
    ),
    max_size=12,
)


@given(RECORDS, st.lists(st.integers(1, 200), min_size=1, max_size=40))
def test_records_after_the_handshake_are_counted_alike_however_they_are_cut(
    plain12: Recording, records: list[tuple[int, int, int]], sizes: list[int]
) -> None:
    """The walk for bulk data and the general one, which single bytes go through, agree."""
    stream = b"".join(
        kind.to_bytes(1, "big") + version.to_bytes(2, "big") + size.to_bytes(2, "big") + bytes(size)
        for kind, version, size in records
    )
    pieces: list[bytes] = []
    for number in range(len(stream)):
        pieces.append(stream[: sizes[number % len(sizes)]])
        stream = stream[sizes[number % len(sizes)] :]
        if not stream:
            break
    together, apart = watch(plain12.flights), watch(plain12.flights)
    together.receive(True, [(n, n, piece) for n, piece in enumerate(pieces)])
    for n, piece in enumerate(pieces):
        for at in range(len(piece)):
            apart.receive(True, [(n, n, piece[at : at + 1])])
    for seen in (together, apart):
        assert seen.handshake_complete
    assert together.records_up == apart.records_up
    assert together.app_bytes_up == apart.app_bytes_up
    assert together.skippable(True) == apart.skippable(True)
    assert together.last_data_at == apart.last_data_at
    assert [fault.name for fault in together.faults] == [fault.name for fault in apart.faults]
