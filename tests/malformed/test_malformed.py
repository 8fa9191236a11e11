"""Whatever a capture holds, it is data: exit code 0 or 4, a report, no traceback."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector.capture_files import inspect_captures
from inspector.cli.main import main
from inspector.errors import InspectorError
from inspector.inspection import Options
from inspector.model.report import Report
from inspector.report.formats.whole import as_json
from tests.malformed.make import FAMILIES, Case
from tests.malformed.seeds import CONTAINERS, RECORD_HEADER, SEEDS, as_pcap

DONE, NOTHING_TO_ANALYSE = 0, 4

#: The oddity that stands for a defect of ours: caught, but never to be seen.
INTERNAL_ERROR = "internal-error"

#: Of the cases, `make test` tries one in so many: a prime, so that no offset is always left out.
SHARE = 7

#: Of the cases, one in so many also goes through the command line, which is slower.
SAMPLE = 61

OPTIONS = Options(fingerprint_key=b"made up for tests")


def inspected(path: Path) -> Report | None:
    """The report; None where there was nothing to analyse, said with exit code 4."""
    try:
        return inspect_captures([path], OPTIONS)
    except InspectorError as error:
        if error.exit_code != NOTHING_TO_ANALYSE:
            raise
        return None


def on_disk(case: Case, folder: Path) -> Path:
    path = folder / f"case.{case.name.partition('.')[2]}"
    path.write_bytes(case.data)
    return path


@pytest.mark.parametrize(
    "step", [SHARE, pytest.param(1, marks=pytest.mark.long)], ids=["a share", "all"]
)
@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES)
def test_every_malformed_capture_ends_in_a_report_or_in_nothing_to_analyse(
    make: Callable[[], Iterator[Case]], step: int, tmp_path: Path
) -> None:
    failures: dict[str, str] = {}
    for case in islice(make(), 0, None, step):
        try:
            report = inspected(on_disk(case, tmp_path))
            if report is not None:
                json.loads(as_json(report))
                failures.update(
                    (case.name, f"{odd.name}: {odd.detail} in packets {odd.packets}")
                    for odd in report.oddities
                    if odd.name == INTERNAL_ERROR
                )
        except Exception as error:  # each of them is a failure, listed by the case's name
            failures[case.name] = f"{type(error).__name__}: {error}"

    assert not failures, (
        f"{len(failures)} cases, the first of which: {dict(islice(failures.items(), 5))}"
    )


@pytest.mark.parametrize("form", ["json", "jsonl", "terminal"])
@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES)
def test_the_command_line_says_so_with_exit_code_0_or_4(
    make: Callable[[], Iterator[Case]], form: str, tmp_path: Path
) -> None:
    failures: dict[str, object] = {}
    for case in list(make())[::SAMPLE]:
        path = on_disk(case, tmp_path)
        result = CliRunner().invoke(main, ["analyze", "--format", form, str(path)])
        quiet = result.exception is None or isinstance(result.exception, SystemExit)
        if result.exit_code not in (DONE, NOTHING_TO_ANALYSE) or not quiet:
            failures[case.name] = result.exception or result.output
        elif "Traceback" in result.output:
            failures[case.name] = result.output
        elif form == "json":
            json.loads(result.stdout)

    assert not failures


@pytest.mark.parametrize("story", SEEDS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_seeds_themselves_are_sound(story: str, container: str, tmp_path: Path) -> None:
    path = tmp_path / f"seed.{container}"
    path.write_bytes(CONTAINERS[container](SEEDS[story]()))

    report = inspect_captures([path], OPTIONS)

    statuses = [exchange.response and exchange.response.status for exchange in report.exchanges]
    assert statuses == {"exchange": [401], "stream": [200, 200], "tunnel": []}[story]
    assert [tunnel.established for tunnel in report.tunnels] == [True] * (story == "tunnel")
    assert report.oddities == ()


def test_everything_before_a_cut_is_kept(tmp_path: Path) -> None:
    whole = as_pcap(SEEDS["exchange"]())
    ends, start = [24], 24
    while start < len(whole):
        start += RECORD_HEADER + struct.unpack_from("<I", whole, start + 8)[0]
        ends.append(start)
    path = tmp_path / "cut.pcap"

    for length in range(ends[1], len(whole) + 1):
        path.write_bytes(whole[:length])
        report = inspect_captures([path], OPTIONS)
        assert report.completeness.packets == sum(end <= length for end in ends[1:])
        assert (report.captures[0].cut is not None) == (length not in ends)


def test_hostile_captures_of_public_test_suites_end_in_0_or_4(public_captures: Path) -> None:
    failures: dict[str, object] = {}
    for path in sorted((public_captures / "hostile").iterdir()):
        result = CliRunner().invoke(main, ["analyze", "--format", "json", str(path)])
        if result.exit_code not in (DONE, NOTHING_TO_ANALYSE) or "Traceback" in result.output:
            failures[path.name] = result.exception or result.output

    assert not failures
