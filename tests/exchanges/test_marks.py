"""Marks are read as they were written, and anything else is passed over."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.exchanges.marks import (
    BLOCK_LIMIT,
    BlankStretch,
    BodyFacts,
    Copied,
    read,
    written_copied,
    written_stretch,
)
from inspector.model.capture import Fault
from inspector.model.http import ApiError, EventStream, Usage
from inspector.model.network import Endpoint
from inspector.wire import packet_reference

STREAM = EventStream(
    events=9, names={"message_start": 1, "(other)": 8}, first_event_at=10**18,
    last_event_at=10**18 + 5, longest_silence=0.25, terminated=True, error="overloaded_error",
    malformed=0, truncated=False,
)  # fmt: skip
FACTS = BodyFacts(
    ("zstd", "gzip"), 4711, STREAM,
    ApiError("api_error", "it said: \u00e9 \U0001f600", "overloaded", 529),
    "claude-lab-1", Usage(3, None), "end_turn", "text/event-stream",
    (Fault("sse-broken-json", 12, "event 3"),), "nginx",
)  # fmt: skip
STRETCH = BlankStretch(
    Endpoint("172.30.0.30", 10001), Endpoint("fd00::20", 40000), 10**18, 4_000_000_000, 77,
    "coded", FACTS,
)  # fmt: skip


def test_what_was_written_is_read() -> None:
    assert read(written_stretch(STRETCH)) == STRETCH
    assert read(written_stretch(STRETCH) + b"   ") == STRETCH
    bare = replace(STRETCH, facts=None, sequence=None, why="tls")
    assert read(written_stretch(bare)) == bare
    held = replace(STRETCH, facts=None, why="text", key="sk-ant-api03-")
    assert read(written_stretch(held)) == held
    least = replace(STRETCH, facts=BodyFacts(("br",), 0))
    assert read(written_stretch(least)) == least
    for told in (Copied(False, False), Copied(True, False), Copied(False, True)):
        assert read(written_copied(told)) == told


def test_the_packets_of_faults_are_those_of_the_file() -> None:
    told = read(written_stretch(STRETCH), 2)
    assert isinstance(told, BlankStretch)
    assert told.facts is not None
    assert [fault.packet for fault in told.facts.faults] == [packet_reference(2, 12)]


def test_keys_are_taken_out_of_free_text_and_words_that_hold_one_are_masked() -> None:
    said = replace(
        FACTS, api_error=ApiError("LABONLY", "seen LABONLY", "a_LABONLY"), model="lab-LABONLY"
    )
    text = written_stretch(
        replace(STRETCH, facts=said), lambda text: text.replace("LABONLY", "xxxxxxx")
    )
    assert b"LABONLY" not in text
    told = read(text)
    assert isinstance(told, BlankStretch)
    assert told.facts is not None
    assert told.facts.api_error == ApiError("xxxxxxx", "seen xxxxxxx", "x" * 9)
    assert told.facts.model == "x" * len("lab-LABONLY")


def test_what_no_grammar_has_is_masked_in_its_length() -> None:
    said = replace(FACTS, model="qZ3!", stop_reason="two\nlines", stream=None)
    told = read(written_stretch(replace(STRETCH, facts=said)))
    assert isinstance(told, BlankStretch)
    assert told.facts is not None
    assert (told.facts.model, told.facts.stop_reason) == ("xxxx", "xxxxxxxxx")


@pytest.mark.parametrize("key", ["sk-ant-api03-LABONLY", "", None, 3, "::error::"])
def test_of_a_key_nothing_is_believed_but_a_documented_prefix(key: Any) -> None:
    told = json.loads(written_stretch(replace(STRETCH, facts=None, why="text", key="sk-")))
    told["blank"]["key"] = key
    assert read(json.dumps(told).encode()) is None


def changed(path: tuple[str | int, ...], value: Any) -> bytes:
    told = json.loads(written_stretch(STRETCH))
    place = told
    for step in path[:-1]:
        place = place[step]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(told).encode()


FORGED: list[tuple[tuple[str | int, ...], Any]] = [
    (("v",), 2), (("v",), True), (("more",), 1), (("blank", "more"), 1),
    (("blank", "at"), -1), (("blank", "at"), 1 << 63), (("blank", "at"), 1.5),
    (("blank", "at"), KeyError), (("blank", "sequence"), 1 << 32), (("blank", "bytes"), "7"),
    (("blank", "why"), "because"), (("blank", "why"), ["coded"]),
    (("blank", "from"), ["lab.test", 80]), (("blank", "from"), ["172.30.0.30", 65536]),
    (("blank", "from"), ["172.30.0.30"]), (("blank", "to"), {"ip": 1}),
    (("blank", "key"), "sk-ant-api03-"), (("blank", "facts"), []), (("blank", "facts", "more"), 1),
    (("blank", "facts", "coding"), ["rot13"]), (("blank", "facts", "coding"), ["br"] * 9),
    (("blank", "facts", "decoded"), KeyError), (("blank", "facts", "model"), "a\x1b[2J"),
    (("blank", "facts", "model"), 3), (("blank", "facts", "stop"), "<script>"),
    (("blank", "facts", "usage"), [1]), (("blank", "facts", "usage"), [-1, 1]),
    (("blank", "facts", "error"), ["api_error", "x" * 301]),
    (("blank", "facts", "error"), ["::error::", None]), (("blank", "facts", "error"), [None, 3]),
    (("blank", "facts", "code"), "::error::"), (("blank", "facts", "code"), None),
    (("blank", "facts", "page"), "LABONLY"), (("blank", "facts", "looks"), "text/html"),
    (("blank", "facts", "faults"), [["x", 1, ""]]),
    (("blank", "facts", "faults"), [["sse-broken-json", 1, "\n::error::"]]),
    (("blank", "facts", "faults"), [["sse-broken-json", 1, ""]] * 65),
    (("blank", "facts", "stream", "events"), -1), (("blank", "facts", "stream", "more"), 1),
    (("blank", "facts", "stream", "names"), {"a\n": 1}),
    (("blank", "facts", "stream", "names"), {f"n{at}": 1 for at in range(66)}),
    (("blank", "facts", "stream", "silence"), -0.5),
    (("blank", "facts", "stream", "silence"), True),
    (("blank", "facts", "stream", "terminated"), 1), (("blank", "facts", "stream", "first"), "now"),
    (("blank", "facts", "stream", "error"), "a b  c"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), FORGED)
def test_a_mark_with_anything_else_in_it_is_none(path: tuple[str | int, ...], value: Any) -> None:
    assert read(changed(path, value)) is None


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"[]", b"null", b'{"v":1}', b'{"v":1,"copy":{}}', b'{"v":1,"copy":[1,2]}',
        b'{"v":1,"copy":{"bodies":1,"ciphertext":0}}', b'{"v":NaN,"copy":{}}', b"[" * 5000,
        b'{"v":1,"blank":{}}', b"\xff\xfe", b"1" * 5000,
        written_copied(Copied(False, False)) + b" " * BLOCK_LIMIT,
        written_stretch(STRETCH)[:-1],
    ],
)  # fmt: skip
def test_what_is_not_of_the_form_is_passed_over(text: bytes) -> None:
    assert read(text) is None


@given(st.binary(max_size=200), st.integers(0, 500), st.integers(0, 40))
def test_damage_never_raises(noise: bytes, at: int, cut: int) -> None:
    text = written_stretch(STRETCH)
    told = read(text[:at] + noise + text[at + cut :])
    assert told is None or isinstance(told, Copied | BlankStretch)
