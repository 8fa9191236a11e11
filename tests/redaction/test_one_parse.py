"""A segment of plaintext HTTP is framed once in a whole run, and every reader hears of it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from inspector.inspection import Inspector
from inspector.options import Options
from inspector.pcap.reader import merged, open_captures
from inspector.protocols.http1 import Http1Parser
from inspector.redaction import Redactor, redact_into
from inspector.report.formats.stable import stable_part
from inspector.wire import Batch, Segment
from lab.index import CAPTURES
from tests.redaction.test_canary import unfingerprinted

FOLDERS = sorted(path.parent for path in CAPTURES.glob("*/truth.json"))


@contextmanager
def framed() -> Iterator[Counter[tuple[int, int]]]:
    """How often each segment is given to a parser of HTTP/1, by its packet and size."""
    counted: Counter[tuple[int, int]] = Counter()
    receive = Http1Parser.receive

    def counting(self: Http1Parser, segments: Sequence[Segment]) -> Any:
        counted.update((packet, len(data)) for _, packet, data in segments)
        return receive(self, segments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Http1Parser, "receive", counting)
        yield counted


def batches(folder: Path) -> list[Batch]:
    return list(merged(open_captures([str(next(folder.glob("capture.*")))], None)))


def read_once(taken: Iterable[Batch]) -> tuple[Any, list[Batch]]:
    """The report of packets and their copy, of one reading."""
    redactor = Redactor()
    inspector = Inspector(Options(scope="all", fingerprint_key=bytes(32)), audience=redactor)
    redactor.follow(inspector)
    out = [ready for each in taken for ready in redactor.feed(each)]
    out += redactor.finish()
    return unfingerprinted(stable_part(inspector.finish())), out


def told_alone(taken: Iterable[Batch]) -> Any:
    inspector = Inspector(Options(scope="all", fingerprint_key=bytes(32)))
    for each in taken:
        inspector.feed(each)
    return unfingerprinted(stable_part(inspector.finish()))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_report_and_copy_come_of_one_parse(folder: Path) -> None:
    taken = batches(folder)
    with framed() as alone:
        told = told_alone(taken)
    with framed() as together:
        told_with_copy, copy = read_once(taken)
    assert together.keys() >= alone.keys()
    assert set(together.values()) == set(alone.values()) <= {1}
    assert told_with_copy == told, "whoever listens changes nothing"
    assert told_alone(copy) == told, "the copy says what the original says"


@pytest.mark.parametrize("folder", FOLDERS[::6], ids=lambda folder: folder.name)
def test_redact_takes_one_parse_and_one_reading(folder: Path) -> None:
    """The audit that follows knows packets and sequence numbers, no protocol."""
    out = io.BytesIO()
    with framed() as counted:
        redact_into(next(folder.glob("capture.*")), out)
    assert out.getvalue()
    assert set(counted.values()) <= {1}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_copy_by_itself_knows_as_many_keys_as_one_beside_a_report(folder: Path) -> None:
    taken = batches(folder)
    alone, beside = Redactor(), Redactor()
    beside.follow(Inspector(Options(scope="all"), audience=beside, vault=beside.masker.vault))
    for redactor in (alone, beside):
        for each in taken:
            list(redactor.feed(each))
        list(redactor.finish())
    assert len(alone.masker.vault) == len(beside.masker.vault)
