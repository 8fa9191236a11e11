from __future__ import annotations

import io

import pytest

from inspector.cli.progress import Progress, line


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_tells_share_and_bytes() -> None:
    assert line(21_000_000, 42_000_000) == (
        "reading  [################................]   50%  21.0 of 42.0 MB"
    )
    assert line(12_300_000, None) == "reading  12.3 MB"


def test_more_than_everything_is_everything() -> None:
    assert " 100% " in line(9, 5)


def test_the_line_is_drawn_again_after_a_mebibyte_and_wiped_at_the_end() -> None:
    out = _Terminal()
    with Progress(out) as progress:
        for done in range(0, 4 << 20, 1 << 16):
            progress(done, 4 << 20)
    drawn = out.getvalue().split("\r\x1b[K")
    assert len(drawn) == 6
    assert drawn[0] == drawn[-1] == ""


def test_what_is_read_in_a_moment_is_not_drawn() -> None:
    out = _Terminal()
    with Progress(out) as progress:
        progress(24_000, 24_000)
    assert out.getvalue() == ""


def test_a_terminal_that_cannot_wipe_a_line_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = _Terminal()
    with Progress(out) as progress:
        progress(1 << 20, 4 << 20)
    assert out.getvalue() == ""


def test_nothing_is_drawn_where_nobody_looks_or_nobody_wants_it() -> None:
    quiet, unwanted = io.StringIO(), _Terminal()
    with Progress(quiet) as first, Progress(unwanted, wanted=False) as second:
        first(1, 2)
        second(1, 2)
    assert quiet.getvalue() == unwanted.getvalue() == ""
