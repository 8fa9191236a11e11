"""What a body is masked as: by its head, then by its first bytes."""

from __future__ import annotations

import pytest

from inspector.credentials.masking import Masker
from inspector.redaction.body_kinds import masker_of

JSON = b'{"message":"LABONLY words"}'
HIDDEN = b'{"message":"xxxxxxxxxxxxx"}'
EVENTS = b'data: {"a":"LABONLY"}\n\n'
PAGE = b"<p>LABONLY</p>"
LINE = b"upstream connect error\nLABONLY\n"


def shown(kind: str | None, status: int | None, data: bytes, size: int = 1448) -> bytes:
    body = masker_of(kind, status, Masker(b"lab"))
    out = b"".join(body.feed(data[at : at + size]) for at in range(0, len(data), size))
    return out + body.finish()


@pytest.mark.parametrize("size", [1448, 1])
@pytest.mark.parametrize(
    ("kind", "status", "data", "expected"),
    [
        ("application/json", None, JSON, HIDDEN),
        ("application/problem+json", 200, JSON, HIDDEN),
        ("application/json", 400, JSON, JSON),
        ("application/json", 200, PAGE, b"x" * len(PAGE)),
        (None, None, JSON, HIDDEN),
        (None, None, b"[1]", b"[1]"),
        ("text/html", 403, PAGE, b"x" * len(PAGE)),
        ("text/html", 200, JSON, HIDDEN),
        ("text/event-stream", 200, EVENTS, EVENTS.replace(b"LABONLY", b"xxxxxxx")),
        ("text/plain", 200, EVENTS, EVENTS.replace(b"LABONLY", b"xxxxxxx")),
        ("text/plain", 502, LINE, LINE[:23] + b"x" * 8),
        ("text/plain", 200, LINE, b"x" * len(LINE)),
        ("text/plain", None, LINE, b"x" * len(LINE)),
        ("application/x-www-form-urlencoded", None, b"a=LABONLY", b"x" * 9),
        ("application/octet-stream", None, b"\x00\x01LABONLY", b"x" * 9),
        ("application/json", 200, b"\x1f\x8b\x08" + PAGE, b"\x1f\x8b\x08" + b"x" * len(PAGE)),
        ("application/json", None, b"\x1f\x8b\x08" + PAGE, b"xxx" + b"x" * len(PAGE)),
    ],
)
def test_a_body_is_masked_as_what_it_is_read_as(
    kind: str | None, status: int | None, data: bytes, expected: bytes, size: int
) -> None:
    assert shown(kind, status, data, size) == expected


def test_a_first_line_without_an_end_is_kept_to_a_limit() -> None:
    body = masker_of("text/plain", 500, Masker(b"lab"))
    data = b"word " * 4000
    out = body.feed(data) + body.finish()
    assert len(out) == len(data)
    assert out.startswith(b"word " * 800)
    assert out.endswith(b"x" * 15000)


def test_behind_a_gap_there_is_no_first_line() -> None:
    body = masker_of("text/plain", 500, Masker(b"lab"))
    out = body.feed(b"upstream ") + body.flush()
    body.gap()
    assert out + body.feed(b"LABONLY error\n") + body.finish() == b"upstream " + b"x" * 14
