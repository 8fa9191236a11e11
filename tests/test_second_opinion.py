"""tshark's reading beside ours: equal where both are right, named where they differ."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from struct import pack
from typing import Final, get_args

import pytest
from click.testing import CliRunner, Result

from inspector import Options, inspect
from inspector.cli.main import main
from inspector.model.capture import UnreadReason
from inspector.pcap.key_logs import KEY_LOG_KIND
from inspector.second_opinion import _REASONS, _differences, read_by_us
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
@pytest.mark.slow
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
@pytest.mark.slow
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


# -- what tshark makes of a file ---------------------------------------------------------------


@needs_tshark
@pytest.mark.slow
def test_a_capture_that_is_cut_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = (CAPTURES / "h4-401-inside-tunnel" / "capture.pcapng").read_bytes()
    path = tmp_path / "cut.pcapng"
    path.write_bytes(whole[: len(whole) // 2])
    done = verified(path)
    assert done.exit_code == 0, done.output
    assert "Equal: 4 requests and 4 answers" in done.output


@pytest.mark.parametrize("ends", ["exit 1", "kill -9 $$", "printf '\\377\\n' >&2; exit 2"])
def test_a_tshark_that_fails_is_told_without_a_traceback(
    ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "tshark"
    script = f'#!/bin/sh\n[ "$1" = -v ] && echo "TShark (Wireshark) 4.0.17" && exit 0\n{ends}\n'
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = verified(CAPTURES / "tls-1.2" / "capture.pcapng")
    gc.collect()  # what pyshark does when a capture goes
    assert done.exit_code == 4
    assert "tshark ended with an error" in done.output
    assert "Traceback" not in done.output + capfd.readouterr().err


@pytest.mark.parametrize("says", ["exit 3", "echo no version", "printf '\\377'"])
def test_a_tshark_that_does_not_say_its_version_is_none(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tshark"
    program.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert verified(CAPTURES / "tls-1.2" / "capture.pcapng").exit_code == 4


# -- connections that one of the two lacks -----------------------------------------------------


def heard(*requests: str) -> Heard:
    found = Heard(packet=7)
    for method in requests:
        found.asked(method)
    return found


def pair(client: tuple[str, int], server: tuple[str, int]) -> frozenset[tuple[str, int]]:
    return frozenset({client, server})


def test_http_on_a_connection_that_the_report_lacks_is_a_difference() -> None:
    report = inspect(CAPTURES / "one-network")
    ours = read_by_us(report)
    assert report.topology.scope == "subnet"
    beside = pair(("172.30.0.77", 40_000), ("203.0.113.7", 80))
    elsewhere = pair(("10.0.0.1", 40_000), ("203.0.113.7", 80))
    [leg, *_] = [one for one in report.tunnels if one.egress is not None]
    assert leg.egress is not None
    [egress] = [one for one in report.connections if one.id == leg.egress.connection]
    twice = pair((egress.client.ip, egress.client.port), (egress.server.ip, egress.server.port))
    assert twice not in ours
    theirs = {**ours, beside: heard("GET"), elsewhere: heard("GET"), twice: heard("GET")}
    [one] = _differences(report, ours, theirs)
    assert one.ends == ("172.30.0.77:40000", "203.0.113.7:80")
    assert (one.what, one.ours, one.theirs, one.packet) == ("requests", "nothing", "GET", 7)
    assert one.reason == "inspector has no such connection"


def test_each_reason_for_bytes_of_a_connection_that_were_not_read_is_told() -> None:
    of_a_file = {"dropped", "file-cut", "filter", "not-heard", "logs"}
    assert set(get_args(UnreadReason)) - set(_REASONS) == of_a_file


@needs_tshark
@pytest.mark.slow
def test_secrets_behind_the_packets_are_named_as_the_reason(tmp_path: Path) -> None:
    folder = CAPTURES / "h4-401-inside-tunnel"
    keys = (folder / "keys.log").read_bytes()
    data = keys + bytes(-len(keys) % 4)
    size = 20 + len(data)
    block = pack("<IIII", 10, size, KEY_LOG_KIND, len(keys)) + data + pack("<I", size)
    path = tmp_path / "embedded.pcapng"
    path.write_bytes((folder / "capture.pcapng").read_bytes() + block)
    done = verified(path)
    assert done.exit_code == 3
    told = [line for line in done.output.splitlines() if "only tshark" in line]
    assert len(told) == 8
    assert all("tshark uses those before the packets alone" in line for line in told)
