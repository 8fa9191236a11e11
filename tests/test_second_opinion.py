"""tshark's reading beside ours: equal where both are right, named where they differ."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from inspector import Options, inspect
from inspector.cli.main import main
from inspector.second_opinion import _differences, read_by_us
from inspector.tshark import Heard
from tests.canary.keys import Watch, canary
from tests.canary.plants import TEXTS, UNSHOWN
from tests.canary.wire import Description, capture

CAPTURES: Final = Path(__file__).parent.parent / "captures"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def verified(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["verify", *map(str, arguments)])


@needs_tshark
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "keys", "code", "says"),
    [
        ("h4-401-inside-tunnel", True, 0, "Equal: 12 requests and 12 answers on 8 connections"),
        ("h4-401-inside-tunnel", False, 0, "Equal: 8 requests and 8 answers on 8 connections"),
        ("upstream-json-cut", True, 3, "a message is not whole"),
    ],
)
def test_the_two_are_compared(name: str, keys: bool, code: int, says: str) -> None:
    folder = CAPTURES / name
    more: Sequence[str | Path] = ("--keylog", folder / "keys.log") if keys else ()
    done = verified(folder / "capture.pcapng", *more)
    assert done.exit_code == code, done.output
    assert says in done.output


def test_without_tshark_it_ends_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = verified(CAPTURES / "tls-1.2" / "capture.pcapng")
    assert done.exit_code == 4


def test_what_differs_is_named_with_its_packet_and_a_reason() -> None:
    folder = CAPTURES / "h4-401-inside-tunnel"
    report = inspect(folder, options=Options(key_logs=(folder / "keys.log",)))
    ours = read_by_us(report)
    assert not list(_differences(report, ours, ours))

    pair, heard = next(iter(ours.items()))
    lost = {**ours, pair: Heard()}
    told = list(_differences(report, ours, lost))
    assert [one.what for one in told] == ["requests", "answers"]
    assert {one.packet for one in told} == {heard.packet}
    assert {one.theirs for one in told} == {"nothing"}
    assert {one.reason for one in told} == {"tshark read no HTTP there"}

    more = replace(heard, requests=heard.requests + heard.requests)
    [one] = _differences(report, ours, {**ours, pair: more})
    assert (one.ours, one.theirs) == ("nothing", "POST")
    assert one.reason == "one of the two is wrong"


@needs_tshark
def test_a_key_in_the_place_of_a_method_or_a_status_is_not_told(tmp_path: Path) -> None:
    places = {**TEXTS, **UNSHOWN}
    names = ("method", "method of HTTP/2", "status of HTTP/2", "reason")
    keys = [canary(name, "anthropic") for name in names]
    # No answer is ours alone, so that what tshark read is told.
    talks = [places[name](bytes(key)) for name, key in zip(names, keys, strict=True)]
    path = tmp_path / "keys.pcapng"
    path.write_bytes(capture(talks, Description()))
    done = verified(path, "--scope", "all")
    assert done.exit_code in (0, 3), done.output
    assert not Watch(keys).leaks(done.stdout_bytes + done.stderr_bytes)


@needs_tshark
def test_what_another_program_calls_tshark_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyshark runs what `config.ini` of the current directory names: artifacts of somebody."""
    planted, ran = tmp_path / "planted" / "tshark", tmp_path / "it-ran"
    planted.parent.mkdir()
    planted.write_text(f'#!/bin/sh\ntouch {ran}\nexec tshark "$@"\n', encoding="utf-8")
    planted.chmod(0o755)
    (tmp_path / "config.ini").write_text(f"[tshark]\ntshark_path = {planted}\n", encoding="utf-8")
    script = "from inspector.__main__ import main; main()"
    path = CAPTURES / "tls-1.2" / "capture.pcapng"
    done = subprocess.run(
        [sys.executable, "-c", script, "verify", str(path)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not ran.exists()
