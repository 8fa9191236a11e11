"""response-cut: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import cause, found, golden


def test_a_body_shorter_than_promised_is_cut() -> None:
    assert "response-cut" in found(golden("upstream-json-cut"))


def test_a_stream_without_a_promised_length_is_not() -> None:
    assert "response-cut" not in found(golden("h3-upstream-cut"))


def test_a_client_that_leaves_in_the_middle_cut_the_answer_itself() -> None:
    assert "response-cut" not in found(golden("client-leaves-mid-stream"))


def test_the_side_that_broke_off_is_named_and_not_ruled_out() -> None:
    told = cause(golden("upstream-json-cut"))
    assert told.advice.startswith("The API, or the way to it, broke off t1: try again")
    assert "upstream error" not in [other.what for other in told.ruled_out]
