"""How sure a statement is: one situation a line, with the confidence that it may have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inspector.chain.link import Link
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.signs import SIGNS, Way
from inspector.chain.verdict import Scene, of_link, of_none
from tests.chain.made import a_call, a_tunnel, ns

ALONE = Link(0, 0, float("inf"), 1, 1)
SCENE = Scene(lossy=False, hop_seen=True)
LOSSY = replace(SCENE, lossy=True)
UNSEEN = replace(SCENE, hop_seen=False)
#: The place of each sign's bit in the marks of an answer.
PLACES = {sign.name: place for place, sign in enumerate(SIGNS)}
LEFT: dict[str, Any] = {"closed_by": "client", "ended_by": "client"}


def crowd(number: int, margin: float = 100.0) -> Link:
    return Link(0, 0, margin, number, number)


#: One of ten that wait, all of them late; and one whose size tells it from the others.
QUEUED = replace(crowd(10), is_queued=True)
TOLD = replace(QUEUED, is_told_by_size=True)


@pytest.mark.parametrize(
    ("call", "carrier", "link", "scene", "retried", "sure"),
    [
        (a_call(), a_tunnel(), ALONE, SCENE, False, 0.95),
        # opened long after the request: 1 s, and 4 ms for each call that waits
        (a_call(0, 2000), a_tunnel(1004, 2000), ALONE, SCENE, False, 0.95),
        (a_call(0, 2000), a_tunnel(1004.1, 2000), ALONE, SCENE, False, 0.7),
        (a_call(0, 2000), a_tunnel(1004.1, 2000), ALONE, SCENE, True, 0.85),
        (a_call(0, 2000), a_tunnel(1040, 2000), crowd(10), SCENE, False, 0.95),
        (a_call(0, 2000), a_tunnel(1040.1, 2000), crowd(10), SCENE, False, 0.7),
        (a_call(0, 2000), a_tunnel(1040.1, 2000), QUEUED, SCENE, False, 0.95),
        (a_call(0, 2000), a_tunnel(1040.1, 2000), TOLD, LOSSY, False, 0.85),
        (
            a_call(0, 2000),
            a_tunnel(1040.1, 2000),
            replace(TOLD, is_queued=False),
            LOSSY,
            False,
            0.6,
        ),
        # ends: together within 25 ms
        (a_call(answered=200), a_tunnel(5, 175), ALONE, SCENE, False, 0.95),
        (a_call(answered=200), a_tunnel(5, 174.9), ALONE, SCENE, False, 0.85),
        (a_call(answered=200, whole=False), a_tunnel(5, 174), ALONE, SCENE, False, 0.9),
        # the true one may be another: in a crowd, beyond its patience
        (a_call(answered=200), a_tunnel(5, 173.2), crowd(10), SCENE, False, 0.85),
        (a_call(answered=200), a_tunnel(5, 173.1), crowd(10), SCENE, False, 0.75),
        # losses
        (a_call(), a_tunnel(), ALONE, LOSSY, False, 0.85),
        (a_call(0, 2000), a_tunnel(1000, 2000), ALONE, LOSSY, False, 0.85),
        (a_call(answered=200), a_tunnel(5, 174), ALONE, LOSSY, False, 0.6),
        (a_call(), a_tunnel(), crowd(2), LOSSY, False, 0.75),
        # parts
        (a_call(sent=UNKNOWN, asked=0), a_tunnel(), ALONE, SCENE, False, 0.5),
        (a_call(), a_tunnel(is_whole=False), ALONE, SCENE, False, 0.6),
        # tried again
        (a_call(), a_tunnel(), ALONE, SCENE, True, 0.85),
        (a_call(), a_tunnel(), crowd(2), SCENE, True, 0.75),
    ],
)
def test_how_sure_a_link_is(
    call: CallRow, carrier: Carrier, link: Link, scene: Scene, retried: bool, sure: float
) -> None:
    assert of_link(call, carrier, link, scene, retried).confidence == sure


@pytest.mark.parametrize(
    ("margin", "reason", "sure"),
    [
        (0.0, "ambiguous", 0.5),
        (2.74, "ambiguous", 0.8),
        (2.75, "rivals", 0.8),
        (5.0, "rivals", 0.89),
        (50.0, "rivals", 0.95),
    ],
)
def test_a_margin_of_two_and_three_quarters_tells_calls_apart(
    margin: float, reason: str, sure: float
) -> None:
    told = of_link(a_call(), a_tunnel(), crowd(2, margin), SCENE, False)
    assert reason in told.reasons
    assert told.confidence == sure
    assert (told.among is None) is (reason == "rivals")


def silent(**other: Any) -> CallRow:
    values = {"voice": "none", "status": UNKNOWN, "whole": False, "ended_by": "server", **other}
    return a_call(0, UNKNOWN)._replace(**values)


#: Its error is of the API proxy's own kind.
OWN: dict[str, Any] = {"voice": "api-proxy", "marks": 1 << PLACES["proxy-kind"]}
PASSED_ON: dict[str, Any] = {"marks": 1 << PLACES["api-fields"]}


@pytest.mark.parametrize(
    ("call", "scene", "way", "by", "sure"),
    [
        # the API proxy's own answer, which needs no tunnel
        (a_call(**OWN, status=403), SCENE, "nothing opened", "api-proxy", 0.95),
        (a_call(**OWN, status=403), LOSSY, "nothing opened", "api-proxy", 0.85),
        (a_call(**OWN, status=500), SCENE, "nothing opened", "api-proxy", 0.9),
        (a_call(**OWN, status=500), UNSEEN, "nothing seen", "api-proxy", 0.7),
        (a_call(**OWN, status=500), LOSSY, "nothing opened", "api-proxy", 0.6),
        # it tried something that is not in the capture, unless the forward proxy refused it
        (a_call(**OWN, status=502), SCENE, "nothing opened", "api-proxy", 0.7),
        (a_call(**OWN, status=502), SCENE, "knocked in vain", "api-proxy", 0.9),
        # no answer
        (silent(closed=ns(50)), SCENE, "nothing opened", "nobody", 0.9),
        (silent(closed=ns(50), **LEFT), SCENE, "nothing opened", "nobody", 0.7),
        (silent(closed=ns(50)), LOSSY, "nothing opened", "nobody", 0.5),
        (silent(closed=ns(50), sent=UNKNOWN), SCENE, "nothing opened", "nobody", 0.6),
        (silent(ended_by="capture-end"), SCENE, "nothing opened", "unknown", 0.4),
        (silent(ended_by="gap"), SCENE, "nothing opened", "unknown", 0.4),
        # an answer passed on must have had a tunnel
        (a_call(**PASSED_ON), SCENE, "not known", "upstream", 0.3),
        (a_call(marks=1 << PLACES["squid"]), SCENE, "not known", "forward-proxy", 0.3),
        # an upgrade is the upstream's, wherever its tunnel is
        (a_call(voice="upgrade"), SCENE, "nothing opened", "upstream", 0.3),
        # signs that contradict each other decide nothing, and weak ones alone do not either
        (a_call(**PASSED_ON), SCENE, "nothing opened", "unknown", 0.3),
        (a_call(marks=1 << PLACES["title-case"]), SCENE, "not known", "unknown", 0.3),
        (a_call(marks=1 << PLACES["title-case"]), SCENE, "nothing opened", "api-proxy", 0.95),
        # where packets are missing, what was not opened may be among them
        (a_call(marks=1 << PLACES["title-case"]), LOSSY, "nothing opened", "unknown", 0.3),
    ],
)
def test_who_answered_without_a_tunnel_and_how_sure_that_is(
    call: CallRow, scene: Scene, way: Way, by: str, sure: float
) -> None:
    told = of_none(call, scene, way)
    assert (told.answered_by, told.confidence) == (by, sure)


def test_nothing_is_relied_on_where_tunnels_are_left_over_or_were_not_looked_for() -> None:
    own = a_call(**OWN, status=403)
    assert of_none(own, SCENE, "nothing opened", among=(1, 1)).confidence == 0.5
    assert of_none(own, SCENE, "nothing opened", is_turned_away=True).confidence == 0.3


def test_nobody_answered_only_where_the_client_left_a_tunnel_that_had_fallen_silent() -> None:
    def sure(last: float, scene: Scene = SCENE) -> float:
        call = silent(closed=ns(500), closed_by="client", ended_by="client")
        return of_link(call, a_tunnel(5, last, closed=ns(501)), ALONE, scene, False).confidence

    assert sure(474) == 0.95
    assert sure(475) == 0.6
    assert sure(474, LOSSY) == 0.6
    assert sure(525) == 0.6
    assert sure(526) == 0.95, "it went on without the client"


@pytest.mark.parametrize(("opened", "is_prompt"), [(20, True), (20.1, False)])
def test_a_tunnel_is_prompt_within_20_ms_of_its_request(opened: float, is_prompt: bool) -> None:
    told = of_link(a_call(), a_tunnel(opened), ALONE, SCENE, False)
    assert ("prompt" in told.reasons) is is_prompt


def test_a_turn_of_an_open_tunnel_is_said_to_be_one_and_is_a_little_less_sure() -> None:
    told = of_link(a_call(), a_tunnel(), ALONE, SCENE, False, "reused")
    assert ("reused" in told.reasons, "prompt" in told.reasons) == (True, False)
    assert told.confidence == 0.9


@pytest.mark.parametrize(("scene", "sure"), [(SCENE, 0.9), (LOSSY, 0.75)])
def test_a_tunnel_opened_while_the_request_came_is_not_relied_on_where_packets_are_missing(
    scene: Scene, sure: float
) -> None:
    told = of_link(a_call(), a_tunnel(), ALONE, scene, False, "early")
    assert ("early" in told.reasons, "prompt" in told.reasons) == (True, False)
    assert told.confidence == sure


@pytest.mark.parametrize(
    ("is_told", "last", "sure"),
    # the size tells it also where its ends do not; no end and no size: anybody's
    [(True, 99, 0.85), (False, 99, 0.75), (True, 40, 0.75), (False, 40, 0.6)],
)
def test_in_a_crowd_with_losses_a_size_of_its_own_and_the_ends_tell_a_call(
    is_told: bool, last: float, sure: float
) -> None:
    link = Link(0, 0, 100.0, 5, 5, is_told_by_size=is_told)
    assert of_link(a_call(), a_tunnel(5, last), link, LOSSY, False).confidence == sure


def test_a_size_of_its_own_decides_where_times_do_not() -> None:
    told = Link(0, 0, 0.1, 5, 5, is_told_by_size=True)
    for link, sure in ((told, 0.9), (replace(told, is_told_by_size=False), 0.52)):
        found = of_link(a_call(), a_tunnel(), link, SCENE, False)
        assert found.confidence == sure
        assert ("size" in found.reasons) is link.is_told_by_size


@pytest.mark.parametrize(("is_told", "sure"), [(True, 0.85), (False, 0.75)])
def test_of_calls_in_a_crowd_that_were_tried_again_a_size_of_its_own_tells(
    is_told: bool, sure: float
) -> None:
    link = Link(0, 0, 100.0, 5, 5, is_told_by_size=is_told)
    assert of_link(a_call(), a_tunnel(), link, SCENE, True).confidence == sure
