"""Whatever the network does to the packets of a conversation, the report tells the same story.

Without losses exchanges, tunnels and clients are equal apart from packet
numbers and times; with losses nothing is made up.
"""

from __future__ import annotations

import random
from dataclasses import asdict, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inspector.model.report import Report
from inspector.report.formats.whole import as_dict, stable_part
from tests.flows.build import Packet, Tcp
from tests.property.conversations import (
    Journey,
    Talk,
    essence,
    inspected,
    interleave,
    talks,
    timeless,
    travel,
)

TALKS = talks()
PORTS = dict(zip(TALKS, range(40001, 50000), strict=False))

seeds = st.integers(0, (1 << 32) - 1)
numbers = st.one_of(seeds, st.integers(0, 9000).map(lambda back: (1 << 32) - 1 - back))
chances = st.sampled_from((0.0, 0.1, 0.5))
journeys = st.builds(
    Journey,
    cut=st.sampled_from((1 << 30, 1448, 300, 60, 20)),
    window=st.sampled_from((0, 1, 4, 12)),
    repeat=chances,
    overlap=chances,
    twice=chances,
    isn=st.tuples(numbers, numbers),
    vlan=st.sampled_from((None, None, 7)),
    ipv6=st.sampled_from((False, False, True)),
)
some_talks = st.lists(st.sampled_from(sorted(TALKS)), min_size=1, max_size=4, unique=True)
# Shrinking replays whole captures; the failing seed and journey say enough.
modest = settings(
    max_examples=60, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate]
)


def recorded(names: list[str], journey: Journey, seed: int) -> list[Packet]:
    chance = random.Random(seed)
    return interleave(chance, [travel(TALKS[name], PORTS[name], journey, chance) for name in names])


def undisturbed(names: list[str], journey: Journey) -> Report:
    """The same conversations when the network leaves everything alone."""
    calm = Journey(vlan=journey.vlan, ipv6=journey.ipv6)
    chance = random.Random(0)
    packets = [
        packet
        for name in names
        for group in travel(TALKS[name], PORTS[name], calm, chance)
        for packet in group
    ]
    return inspected(packets)


def names_of(report: Report) -> set[str]:
    return {oddity.name for oddity in report.oddities}


# -- what the undisturbed conversations say, so that equal is not equally empty ----------------


@pytest.mark.parametrize(
    ("name", "statuses", "tunnels"),
    [
        ("keep-alive", [200, 401, 200, 200], []),
        ("tls tunnel", [], [("api.anthropic.com:443", 200, "tls", "complete")]),
        ("refused, then used", [200], [("api.anthropic.com:443", 403, "none", None)]),
        ("plain tunnel", [200], [("172.30.0.30:10001", 200, "http/1.1", None)]),
    ],
)
def test_undisturbed_each_conversation_tells_its_story(
    name: str, statuses: list[int], tunnels: list[tuple[object, ...]]
) -> None:
    report = undisturbed([name], Journey())
    assert [e.response.status for e in report.exchanges if e.response] == statuses
    assert [
        (t.authority, t.connect_status, t.protocol, t.tls and t.tls.handshake)
        for t in report.tunnels
    ] == tunnels
    assert all(e.ended_by == "complete" for e in report.exchanges)
    assert report.completeness.verdict == "complete"
    assert report.oddities == ()


# -- without losses ------------------------------------------------------------------------


@modest
@given(some_talks, journeys, seeds)
def test_without_losses_the_story_is_the_same(
    names: list[str], journey: Journey, seed: int
) -> None:
    report, calm = inspected(recorded(names, journey, seed)), undisturbed(names, journey)
    assert essence(report) == essence(calm)
    assert report.completeness.verdict == "complete"
    assert report.completeness.gaps == ()
    assert names_of(report) <= {"keep-alive-probe"}
    for part in ("exchanges", "tunnels", "connections"):
        assert stable_part(report)[part] == stable_part(calm)[part]
    for mine, theirs in zip(
        sorted(report.connections, key=lambda c: c.client.port),
        sorted(calm.connections, key=lambda c: c.client.port),
        strict=True,
    ):
        assert (mine.bytes_up, mine.bytes_down) == (theirs.bytes_up, theirs.bytes_down)


# -- batches -----------------------------------------------------------------------------


@modest
@given(some_talks, journeys, st.sampled_from((0.0, 0.2)), st.integers(1, 60), seeds)
def test_where_a_batch_ends_changes_nothing(
    names: list[str], journey: Journey, drop: float, largest: int, seed: int
) -> None:
    packets = recorded(names, replace(journey, drop=drop), seed)
    whole = as_dict(inspected(packets))
    chance = random.Random(seed)
    assert as_dict(inspected(packets, lambda: chance.randint(1, largest))) == whole
    assert as_dict(inspected(packets, lambda: 1)) == whole


# -- with losses ---------------------------------------------------------------------------


def lost_data(talk: Talk, packets: list[Packet], port: int) -> bool:
    """Is there a byte that no captured packet of this connection carries?"""
    for up in (True, False):
        total = sum(len(data) for side, data in talk.turns if side is up)
        seen = bytearray(total)
        for packet in packets:
            if packet.up is up and packet.offset is not None and _port(packet) == port:
                stop = packet.offset + len(packet.data)
                seen[packet.offset : stop] = b"\1" * len(packet.data)
        if 0 in seen:
            return True
    return False


def _port(packet: Packet) -> int:
    tcp = len(packet.frame) - len(packet.data) - 20
    at = tcp if packet.up else tcp + 2
    return int.from_bytes(packet.frame[at : at + 2], "big")


@modest
@given(some_talks, journeys, st.sampled_from((0.02, 0.1, 0.4)), seeds)
def test_with_losses_nothing_is_made_up(
    names: list[str], journey: Journey, drop: float, seed: int
) -> None:
    packets = recorded(names, replace(journey, drop=drop), seed)
    report, calm = inspected(packets), undisturbed(names, journey)
    assert not names_of(report) & {"internal-error", "conflicting-overlap"}
    true_requests = [timeless(_plain(e.request)) for e in calm.exchanges]
    true_responses = [timeless(_plain(e.response)) for e in calm.exchanges]
    with_gaps = {gap.connection for gap in report.completeness.gaps}
    for exchange in report.exchanges:
        request, response = timeless(_plain(exchange.request)), timeless(_plain(exchange.response))
        if request is not None and request["complete"]:
            assert request in true_requests
        if response is not None and not _answers_connect(response):
            assert any(_is_start_of(response, true) for true in true_responses)
        if exchange.connection not in with_gaps:
            # Across a gap the wrong two may meet: see the next test.
            index = true_requests.index(request)
            assert response == true_responses[index]
    if any(lost_data(TALKS[name], packets, PORTS[name]) for name in names):
        assert report.completeness.verdict != "complete"
        assert report.completeness.gaps
    else:
        assert essence(report) == essence(calm)


@pytest.mark.parametrize("second", ["seen", "lost"])
def test_an_answer_behind_a_gap_does_not_answer_a_question_before_it(second: str) -> None:
    (_, ask), (_, lost_answer), (_, ask_again), (_, answer), *_ = TALKS["keep-alive"].turns
    tcp = Tcp().open().up(ask)
    tcp.sent[False] = len(lost_answer)
    if second == "seen":
        tcp.up(ask_again)
    else:
        tcp.sent[True] += len(ask_again)
    report = inspected(tcp.down(answer).close().wire.packets)
    first = report.exchanges[0]
    assert first.request is not None
    assert first.request.method == "POST"
    assert first.response is None


def _is_start_of(response: Any, true: Any) -> bool:
    """A head that a gap broke off keeps the lines before it."""
    kept = len(true["headers"] if response["complete"] else response["headers"])
    return [response["status"], response["reason"], *response["headers"]] == [
        true["status"],
        true["reason"],
        *true["headers"][:kept],
    ]


def _answers_connect(response: Any) -> bool:
    """The reply to a CONNECT that was lost looks like any other."""
    return response["reason"] in ("Connection established", "Forbidden")


def _plain(fact: object) -> object:
    return asdict(fact) if is_dataclass(fact) and not isinstance(fact, type) else fact


@modest
@given(some_talks, journeys, st.floats(0.05, 0.9), seeds)
def test_any_packets_may_be_lost(
    names: list[str], journey: Journey, share: float, seed: int
) -> None:
    chance = random.Random(seed)
    packets = [p for p in recorded(names, journey, seed) if chance.random() >= share]
    report = inspected(packets)
    assert "internal-error" not in names_of(report)
    assert report.completeness.packets == len(packets)


@modest
@given(st.sampled_from(sorted(TALKS)), journeys, st.integers(0, 400), seeds)
def test_a_capture_may_begin_anywhere(name: str, journey: Journey, skipped: int, seed: int) -> None:
    # Cut at the turns: in mid-stream a message is recognised at a segment's start.
    packets = recorded([name], replace(journey, cut=1 << 30), seed)
    skipped = min(skipped, len(packets))
    report, calm = inspected(packets[skipped:]), undisturbed([name], journey)
    assert "internal-error" not in names_of(report)
    true_requests = [timeless(_plain(e.request)) for e in calm.exchanges]
    for exchange in report.exchanges:
        if exchange.request is not None and exchange.request.complete:
            assert timeless(_plain(exchange.request)) in true_requests
