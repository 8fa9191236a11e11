"""stream-malformed: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_events_that_do_not_parse_are_malformed() -> None:
    assert "stream-malformed" in found(golden("h3-proxy-mangles"))


def test_events_cut_into_other_chunks_are_not() -> None:
    assert "stream-malformed" not in found(golden("h3-rechunked-healthy"))


def test_a_stream_that_breaks_off_between_events_is_not_malformed() -> None:
    assert "stream-malformed" not in found(golden("h3-upstream-cut"))
