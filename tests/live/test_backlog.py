"""What comes faster than it is read waits in memory; the copy gives way before the report does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspector import inspect
from inspector.live.backlog import Backlog
from inspector.live.session import Session
from inspector.model.report import Report
from inspector.options import Options
from inspector.redaction import LIVE, NO_TIME, Redactor
from inspector.report.formats.whole import stable_part
from lab.index import CAPTURES
from tests.live.sources import FileSource

OPTIONS = Options(fingerprint_key=b"made up")
FOLDERS = sorted(path.parent for path in CAPTURES.glob("*/truth.json"))
DEMO = CAPTURES / "issue-1527" / "capture.pcapng"


def test_what_a_source_has_is_left_to_it_while_something_waits() -> None:
    source, backlog = FileSource(DEMO), Backlog()
    assert backlog.receive(source)
    assert backlog.receive(source)
    assert source.delivered == 7


def test_a_source_that_fills_is_emptied_up_to_the_limit() -> None:
    source = FileSource(DEMO)
    source.is_filling = True
    size = len(source.waiting[0].data)
    backlog = Backlog(3 * size - 1)
    assert backlog.receive(source)
    assert source.delivered == 3 * 7
    assert backlog.receive(source)
    assert source.delivered == 3 * 7
    assert backlog.bytes == backlog.most == 3 * size
    assert backlog.next() is not None
    assert backlog.receive(source)
    assert source.delivered == 4 * 7


def test_a_source_that_has_nothing_is_known_to_have_been_asked() -> None:
    source, backlog = FileSource(DEMO, at_once=10_000), Backlog()
    assert backlog.receive(source)
    assert backlog.receive(source)  # it was not asked
    assert backlog.next()
    assert not backlog.receive(source)
    assert backlog.next() is None
    assert not backlog


def under_pressure(
    path: Path, source: FileSource, scrubber: Redactor | None, *more: FileSource
) -> Report:
    """All packets of a source wait before the first of them is read; then others come in time."""
    backlog = Backlog(len(source.waiting[0].data))
    session = Session(OPTIONS, [source, *more], path=path, scrubber=scrubber, backlog=backlog)
    while source.waiting:
        backlog.add(source, source.read())
    assert session.is_behind
    while session.read_on():
        pass
    for each in more:
        while session.take(each):
            pass
    assert session.waited == backlog.most
    return session.report()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_copy_without_time_is_blank_and_the_report_is_that_of_all(
    folder: Path, tmp_path: Path
) -> None:
    path, scrubber = tmp_path / "live.pcapng", Redactor(limits=LIVE)

    report = under_pressure(path, FileSource(folder / "capture.pcapng"), scrubber)

    assert stable_part(report) == stable_part(inspect(folder / "capture.pcapng", options=OPTIONS))
    assert b"LABONLY" not in path.read_bytes()
    copy = inspect(path, options=OPTIONS)
    assert copy.captures[0].packets == report.captures[0].packets
    assert scrubber.summary.blanked[NO_TIME]
    assert copy.completeness.unread or not report.exchanges
    assert not [odd for odd in copy.oddities if odd.name == "internal-error"]


def test_connections_that_begin_once_there_is_time_are_read_again(tmp_path: Path) -> None:
    path, scrubber = tmp_path / "live.pcapng", Redactor(limits=LIVE)
    later = FileSource(CAPTURES / "upstream-403" / "capture.pcapng")

    report = under_pressure(path, FileSource(DEMO), scrubber, later)

    read = {exchange.id for exchange in inspect(path, options=OPTIONS).exchanges}
    first = {exchange.id for exchange in inspect(DEMO, options=OPTIONS).exchanges}
    assert len(report.exchanges) > len(first)
    assert read


def test_without_a_copy_nothing_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    report = under_pressure(path, FileSource(DEMO), None)
    offline = inspect(path, options=OPTIONS)
    files = tuple(replace(capture, sha256=None) for capture in offline.captures)
    assert report == replace(offline, captures=files)


def test_what_waits_when_the_capture_ends_is_read_with_all_the_time_there_is(
    tmp_path: Path,
) -> None:
    source, scrubber = FileSource(DEMO), Redactor(limits=LIVE)
    backlog = Backlog(0)
    session = Session(
        OPTIONS, [source], path=tmp_path / "live.pcapng", scrubber=scrubber, backlog=backlog
    )
    session.report()
    assert backlog.most
    assert not scrubber.summary.blanked[NO_TIME]
