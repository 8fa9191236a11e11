"""A session whose secrets come while it reads: what it reports is what the key log would give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from inspector import Options, inspect
from inspector.decryption.keystore import Keystore
from inspector.linux.ebpf.cutter import Cutter
from inspector.linux.ebpf.filter import EbpfFilter
from inspector.live.files import Rotation
from inspector.live.session import Session
from inspector.live.source import Source
from inspector.model.capture import KeyMaterial
from inspector.model.ids import exchange_id
from inspector.model.live import HookCount, Live
from inspector.model.report import Report
from inspector.pcap.reader import open_captures
from inspector.redaction import LIVE, Redactor
from inspector.report.formats.whole import as_json, stable_part
from inspector.wire import COUNTED_CUTS
from lab.index import CAPTURES
from tests.linux.ebpf.conftest import bpf_possible
from tests.live.offline import read
from tests.live.sources import FileSource

__all__ = ["bpf_possible"]

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


def play(
    at_once: int,
    path: Path | None = None,
    *,
    cutter: Cutter | None = None,
    scrubber: Redactor | None = None,
    rotation: Rotation | None = None,
) -> Report:
    source: Source = FileSource(FOLDER / "capture.pcapng")
    session = Session(
        OPTIONS,
        [source],
        path=path,
        keys=Probes(at_once),
        scrubber=scrubber,
        rotation=rotation,
        cutters=None if cutter is None else {source: cutter},
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


@pytest.fixture
def cutter(bpf_possible: None) -> Iterator[Cutter]:
    """Cuts right behind the handshake, as these tunnels are short."""
    with closing(Cutter(EbpfFilter.load((), [3128], 0))) as made:
        yield made


@pytest.mark.parametrize("is_raw", [True, False], ids=["raw", "redacted"])
def test_what_is_read_whole_is_cut_in_the_file(
    cutter: Cutter, is_raw: bool, tmp_path: Path
) -> None:
    path = tmp_path / "live.pcapng"
    scrubber = None if is_raw else Redactor(limits=LIVE)
    told = play(1000, path, cutter=cutter, scrubber=scrubber)
    whole = inspect(FOLDER / "capture.pcapng", options=OPTIONS)

    assert [e for e in told.exchanges if e.decrypted]
    assert told.completeness.verdict == "complete"
    (capture,) = told.captures
    assert capture.packets == whole.captures[0].packets
    assert capture.interfaces[0].filter == f"everything{COUNTED_CUTS}"
    found = read(path, options=OPTIONS)
    assert list(found.tunnels) == list(whole.tunnels)
    if is_raw:
        assert list(found.exchanges) == list(whole.exchanges)
    assert [e.response and e.response.status for e in found.exchanges] == [401] * 4
    assert found.completeness.verdict == "complete"
    records = [record for batch in open_captures([path])[0] for record in batch.records]
    cut = [wire - captured for _, _, captured, wire in records if captured < wire]
    assert len(cut) >= 8  # the request and the answer in each of four tunnels
    assert sum(cut) > 1_500


def test_a_ring_of_files_is_cut_where_what_is_kept_fills_them(
    cutter: Cutter, tmp_path: Path
) -> None:
    told = play(1000, tmp_path / "live.pcapng", cutter=cutter, rotation=Rotation(20_000))
    paths = sorted(tmp_path.glob("live-*.pcapng"))
    sizes = [path.stat().st_size for path in paths]
    assert len(paths) > 1
    assert all(15_000 < size < 21_000 for size in sizes[:-1])
    offline = read(*paths, options=OPTIONS)
    outer = [replace(e, id=exchange_id(1)) for e in told.exchanges if not e.decrypted]
    assert outer == [replace(e, id=exchange_id(1)) for e in offline.exchanges]
