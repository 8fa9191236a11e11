"""A session whose secrets come while it reads: what it reports is what the key log would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from inspector import Options, inspect
from inspector.decryption.keystore import Keystore
from inspector.live.session import Session
from inspector.model.capture import KeyMaterial
from inspector.model.live import HookCount, Live
from inspector.model.report import Report
from inspector.report.formats.whole import as_json, stable_part
from lab.index import CAPTURES
from tests.live.sources import FileSource

FOLDER: Final = CAPTURES / "h4-401-inside-tunnel"
KEY: Final = "sk-ant-api03-LABONLY" + "0123456789abcdefghijklmno" * 3 + "pqrstuvwxyzAA"
OPTIONS: Final = Options(scope="subnet", fingerprint_key=b"made up")


class Probes:
    """A key log, so many lines at each reading: as probes tell it."""

    def __init__(self, at_once: int) -> None:
        self.store = Keystore(expects=True)
        self._lines = (FOLDER / "keys.log").read_bytes().splitlines()
        self._at_once = at_once

    def fileno(self) -> int:
        return -1

    def read(self) -> None:
        self.store.read(self._lines[: self._at_once], "ebpf")
        del self._lines[: self._at_once]

    @property
    def fact(self) -> KeyMaterial:
        return KeyMaterial((), 0, self.store.lines, 0, processes=1)

    def probes(self) -> Sequence[HookCount]:
        return [HookCount(f"ssl_log_secret in {KEY}", 20)]


def play(at_once: int, path: Path | None = None) -> Report:
    session = Session(
        OPTIONS, [FileSource(FOLDER / "capture.pcapng")], path=path, keys=Probes(at_once)
    )
    for source in session.sources:
        while session.take(source):
            pass
    session.drain()
    return session.report(
        Live(
            ended_for="signal",
            ending="",
            command_status=None,
            redaction="nothing written",
            privileges="",
            interfaces=(),
            rungs=(),
            probes=(),
        )
    )


@pytest.mark.parametrize("at_once", [1000, 5])  # a session has five
def test_what_is_inside_is_what_the_key_log_gives(at_once: int) -> None:
    told = play(at_once)
    offline = inspect(
        FOLDER / "capture.pcapng", options=replace(OPTIONS, key_logs=(FOLDER / "keys.log",))
    )
    assert [e for e in told.exchanges if e.decrypted]
    assert told.exchanges == offline.exchanges
    assert told.chains == offline.chains
    assert told.hypotheses == offline.hypotheses
    sources = {tunnel.decryption and tunnel.decryption.source for tunnel in told.tunnels}
    assert sources == {"ebpf"}
    assert stable_part(told)["exchanges"] == stable_part(offline)["exchanges"]


def test_a_file_that_is_named_after_a_key_is_not_shown() -> None:
    report = play(1000)
    assert report.live
    (hook,) = report.live.probes
    assert hook.name.startswith("ssl_log_secret in")
    assert "LABONLY" not in hook.name


def test_no_secret_is_in_the_file_or_the_report(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    told = as_json(play(1000, path)) + path.read_bytes()
    lines = (FOLDER / "keys.log").read_text().splitlines()
    for secret in (line.split()[2] for line in lines if not line.startswith("#")):
        assert secret.encode() not in told
        assert bytes.fromhex(secret) not in told
