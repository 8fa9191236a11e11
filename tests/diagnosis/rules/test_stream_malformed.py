"""stream-malformed: where it is found, and where something only resembles it."""

from __future__ import annotations

from gzip import compress

import pytest

from inspector import Options, inspect
from inspector.model.conclusions import RootCause
from tests.diagnosis.calls import API_SAYS, CALL, KEY, WELL, called, cause, found, golden
from tests.docs.pages import ROOT
from tests.exchanges.network import request, response


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


_CUT = WELL[:20]
_SAYS = "labelled JSON, and no whole document"


@pytest.mark.parametrize(
    "answer",
    [
        response("200 OK", *API_SAYS, body=_CUT),
        response("200 OK", *API_SAYS, body=b"upstream says no"),
        response("200 OK", "content-encoding: gzip", *API_SAYS, body=compress(_CUT)),
        response("200 OK", "content-encoding: gzip", *API_SAYS, body=compress(WELL)[:-20]),
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        b"14\r\n" + _CUT + b"\r\n0\r\n\r\n",
    ],
    ids=["cut", "text", "cut before coding", "cut behind coding", "cut in chunks"],
)  # fmt: skip
def test_json_that_ends_within_its_document_though_http_ended_well(answer: bytes) -> None:
    told = cause(called(CALL, answer))

    assert told.code == "stream-malformed"
    assert _SAYS in told.sentence


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (CALL, b"\xef\xbb\xbf" + WELL),
        (CALL, WELL + b"\n" + WELL),
        (request("GET /health HTTP/1.1", KEY), b"up"),
    ],
    ids=["mark of byte order", "two documents", "nobody promised JSON"],
)
def test_what_clients_read_all_the_same_is_not_malformed(call: bytes, body: bytes) -> None:
    assert called(call, response("200 OK", *API_SAYS, body=body)).root_cause is None
