"""stream-malformed: where it is found, and where something only resembles it."""

from __future__ import annotations

from inspector import Options, inspect
from inspector.model.conclusions import RootCause
from tests.diagnosis.calls import cause, found, golden
from tests.docs.pages import ROOT


def test_events_that_do_not_parse_are_malformed() -> None:
    assert "stream-malformed" in found(golden("h3-proxy-mangles"))


def test_with_keys_it_is_told_on_which_side_of_the_api_proxy_it_arose() -> None:
    mangled, broken = with_keys("h3-proxy-mangles"), with_keys("h3-upstream-bad-framing")
    assert "Inside t1 the stream was whole: the API proxy damaged it." in mangled.details
    assert "Look at what the API proxy does" in mangled.advice
    assert "Inside t1 the stream was broken as well: the API proxy passed it on." in broken.details
    assert "Give the provider the request-id" in broken.advice
    assert mangled.not_in_packets is broken.not_in_packets is None
    assert "keys would tell" in (cause(golden("h3-proxy-mangles")).not_in_packets or "")


def with_keys(name: str) -> RootCause:
    return cause(inspect(ROOT / "captures" / name, options=Options(finds_keys=True)))


def test_events_cut_into_other_chunks_are_not() -> None:
    assert "stream-malformed" not in found(golden("h3-rechunked-healthy"))


def test_a_stream_that_breaks_off_between_events_is_not_malformed() -> None:
    assert "stream-malformed" not in found(golden("h3-upstream-cut"))
