"""What the tunnel that was opened for a call has to do with its answer."""

from __future__ import annotations

from inspector.chain.answerer import weigh
from inspector.chain.rows import UNKNOWN
from inspector.chain.way import way_through
from tests.chain.made import a_call, a_tunnel, ns


def test_a_tunnel_that_brought_data_before_the_answer_carried_it() -> None:
    assert way_through(a_call(answered=50), a_tunnel(last=99)) == "carried"


def test_bytes_of_a_handshake_that_was_read_in_part_are_no_answer() -> None:
    """Cut packets hide how a handshake went on: it may have failed, and the proxy answered."""
    half_read = a_tunnel(last=99, first=UNKNOWN)

    assert way_through(a_call(answered=100), half_read) == "not known"
    assert weigh(0, way_through(a_call(answered=100, status=502), half_read)).by == "unknown"


def test_what_came_after_the_answer_did_not_carry_it() -> None:
    later = a_tunnel(last=300)._replace(first=ns(200))

    assert way_through(a_call(answered=50, done=50), later) == "not known"


def test_a_tunnel_that_stands_and_is_silent_did_not_bring_a_504() -> None:
    call = a_call(answered=20_000, done=20_000, status=504)

    assert way_through(call, a_tunnel(last=100)) == "silent"


def test_a_refusal_is_relayed_only_with_its_own_status() -> None:
    refused = a_tunnel(failed=True, refused=True, status=403)

    assert way_through(a_call(status=403), refused) == "relayed refusal"
    assert way_through(a_call(status=502), refused) == "failed"


def test_without_a_clock_nobody_can_tell_whether_a_tunnel_was_silent_before_a_504() -> None:
    at_once = a_tunnel(0, 0)

    assert way_through(a_call(0, 0, status=504), at_once) == "not known"
    assert way_through(a_call(0, 0), at_once) == "carried"


def test_a_tunnel_whose_far_side_closed_it_in_place_of_an_answer_was_hung_up() -> None:
    """Envoy: "disconnect/reset before headers"; golden capture envoy-reset."""
    hung_up = a_tunnel(last=40, closed=ns(70), is_closed_beyond=True)

    assert way_through(a_call(answered=71, status=503), hung_up) == "hung up"
    assert way_through(a_call(answered=71, status=404), hung_up) == "carried"
