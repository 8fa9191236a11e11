"""What an agent sends as its key blanks no evidence: words, long texts, header values, dates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.keys import POISONS, capture, is_whole, leaking, random_keys
from inspector import inspect
from inspector.options import Options
from inspector.redaction import redact_into
from inspector.report.formats.whole import as_dict


def told(keys: list[bytes], folder: Path) -> tuple[dict[str, Any], bytes, dict[str, Any]]:
    """The report of the calls with these keys, their copy, and the report of that."""
    source, copy = folder / "source.pcap", folder / "copy.pcapng"
    capture(keys, source)
    with copy.open("w+b") as out:
        redact_into(source, out)
    options = Options(scope="all")
    reports = (as_dict(inspect(path, options=options)) for path in (source, copy))
    return next(reports), copy.read_bytes(), next(reports)


def concluded(report: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in report["findings"]}


@pytest.mark.parametrize("words", POISONS.values(), ids=POISONS)
def test_a_poisoned_key_blanks_nothing_that_a_diagnosis_needs(
    words: tuple[bytes, ...], tmp_path: Path
) -> None:
    honest, _, _ = told(random_keys(len(words), 40), tmp_path)
    report, _, of_the_copy = told([*words], tmp_path)
    assert all(map(is_whole, report["exchanges"]))
    assert all(map(is_whole, of_the_copy["exchanges"]))
    assert len(report["exchanges"]) == len(of_the_copy["exchanges"]) == len(words)
    assert concluded(honest) <= concluded(report)
    assert report["completeness"]["limits_hit"] == []


def test_long_keys_leave_nothing_and_the_evidence_stays(tmp_path: Path) -> None:
    keys = random_keys(20, 8192)
    report, copy, of_the_copy = told(keys, tmp_path)
    assert leaking(keys, [str(report).encode(), copy, str(of_the_copy).encode()]) == 0
    assert all(map(is_whole, report["exchanges"]))
    assert all(map(is_whole, of_the_copy["exchanges"]))
    assert report["completeness"]["limits_hit"] == []
