from __future__ import annotations

from collections.abc import Iterator

import pytest

from inspector.protocols import http1_lines
from inspector.protocols.http1_lines import LINES, LONGEST_LINE, clean_block, clean_lines
from inspector.protocols.messages import Field


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    http1_lines._KNOWN.clear()
    yield
    http1_lines._KNOWN.clear()


def test_a_line_that_came_before_is_the_same_field() -> None:
    first, again = (clean_lines([b"Accept: application/json"]) for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.fields == (Field(b"Accept", b" application/json"),)
    assert again.fields[0] is first.fields[0]


@pytest.mark.parametrize(
    "line",
    [
        b"x-api-key: sk-ant-api03-LABONLY",
        b"Authorization: Bearer LABONLY",
        b"request-id: req_LABONLY",
        b"user-agent: sk-ant-api03-LABONLY0LABONLY1LABONLY2",
        b"host: sk-ant-api03-LABONLY0LABONLY1LABONLY2@proxy",
        b"accept: " + b"a/b, " * LONGEST_LINE,
    ],
)
def test_a_line_in_which_a_key_may_stand_or_that_is_long_is_not_kept(line: bytes) -> None:
    read = clean_lines([line])
    assert read is not None
    assert read.fields == (Field(*line.split(b":", 1)),)
    assert line not in http1_lines._KNOWN


def test_a_bounded_number_of_lines_is_kept() -> None:
    for number in range(LINES + 1):
        clean_lines([b"content-length: %d" % number])
        assert len(http1_lines._KNOWN) <= LINES
    assert len(http1_lines._KNOWN) == 1


def test_the_first_field_of_a_name_is_the_one_that_is_found_by_it() -> None:
    read = clean_block(b"A: 1\r\nb: 2\r\na: 3\r\n\r\n")
    assert read is not None
    assert read.named == {b"a": Field(b"A", b" 1"), b"b": Field(b"b", b" 2")}
    assert read.odd is None


@pytest.mark.parametrize(
    "block",
    [b"a: 1", b"a: 1\n\r\n", b"a: 1\r\n\n", b"a 1\r\n", b" a: 1\r\n", b"a: \x00\r\n",
     b"a: 1\r\n\r\nb: 2\r\n"],
)  # fmt: skip
def test_a_block_with_anything_else_in_it_is_read_elsewhere(block: bytes) -> None:
    assert clean_block(block) is None


@pytest.mark.parametrize("byte", range(256))
def test_a_name_is_a_token_and_a_value_has_no_control_byte(byte: int) -> None:
    char = bytes([byte])
    token = char.isalnum() or char in b"!#$%&'*+-.^_`|~"
    control = (byte < 0x20 and char != b"\t") or byte == 0x7F
    named, valued = clean_lines([b"x-" + char + b"z: 1"]), clean_lines([b"x-lab: a" + char])
    # A colon ends the name.
    assert (named is not None) is (token or char == b":")
    assert (valued is not None) is not control
    assert valued is None or valued.fields[0].raw == b" a" + char
