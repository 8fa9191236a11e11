"""One run judged by itself, as `analyze` would, and told as rows: never raises over a run."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from inspector.build import this_build
from inspector.capture_files import inspect_captures
from inspector.credentials.reader import CredentialReader
from inspector.errors import ExitCode, InspectorError, plain_parts
from inspector.fact import Fact, replace
from inspector.fleet.discovery import FoundRun
from inspector.fleet.files import File
from inspector.fleet.rows import RunRows, rows_of, scrubbed
from inspector.fleet.settings import FleetSettings
from inspector.fleet.tables import Failure, RunRow
from inspector.model.provenance import this_tool
from inspector.model.report import SCHEMA as REPORT_SCHEMA
from inspector.model.report import Report
from inspector.regex import regex
from inspector.report.formats.json import dumps, timestamp, to_plain
from inspector.report.formats.stored import read_report

#: Failures that other limits might have spared.
LIMITED: Final[frozenset[Failure]] = frozenset({"time-limit", "memory-limit", "worker-died"})
#: A file that changed within this before it was read may change again within its clock's tick.
_FRESH_NS: Final = 2_000_000_000
_STAMP_DIGITS: Final = 16
_HEAD: Final = 200
_SCHEMA: Final = regex(rb'\s*\{\s*"schema"\s*:\s*"([a-z./0-9]+)"')


class Judged(Fact):
    """What came of one run: its rows as a line of JSON (`journal`), or that nothing has changed."""

    key: str
    day: str | None
    failure: Failure | None
    line: bytes
    is_unchanged: bool = False


def judged(run: FoundRun, settings: FleetSettings, known_inputs: str | None = None) -> Judged:
    """Judge a run whose files are on this machine.

    `known_inputs` is the digest of the files of an earlier judgement by the same settings: with
    equal files there is no second one.  MemoryError is left to the caller, who alone knows whether
    the process is fit for another run.
    """
    if run.trouble is not None:
        return failed(run, settings, "unreadable", run.trouble)
    try:
        if known_inputs is not None and _inputs(run, {}) == known_inputs:
            return Judged(run.key, None, None, b"", is_unchanged=True)
        return encoded(_rows(run, settings))
    except InspectorError as error:
        return failed(run, settings, _failure_of(run, error), _named(run, error.culprit))
    except MemoryError:
        raise
    except OSError as error:
        return failed(run, settings, "unreadable", error.strerror or type(error).__name__)
    except Exception as error:
        told = f"{type(error).__name__}: this is a bug in inspector, not in the capture"
        return failed(run, settings, "internal-error", told)


def failed(run: FoundRun, settings: FleetSettings, failure: Failure, told: str) -> Judged:
    """The row of a run of which there is no judgement; `told` says why, as it may be shown."""
    row = replace(
        blank_row(run, settings),
        failure=failure,
        error=told,
        # What a disk or a store did not give it may give the next time.
        stamp="" if failure == "unreadable" else stamp_of(run, time.time_ns()),
        settings=settings.limited_digest if failure in LIMITED else settings.digest,
    )
    return encoded(RunRows(row))


def _named(run: FoundRun, told: str) -> str:
    """A sentence that names a file, by its name and without what may be secret in it."""
    for file in run.files:
        told = told.replace(file.place, file.name)
    return plain_parts(told)


def blank_row(run: FoundRun, settings: FleetSettings) -> RunRow:
    """What is known of a run before anything of it is read."""
    return RunRow(
        key=run.key,
        run=run.run,
        source=run.source,
        kind="captures" if run.report is None else "report",
        labels=dict(run.labels),
        files=len(run.captures),
        bytes=run.size,
        statuses={},
        hypotheses={},
        judged_by=" ".join(filter(None, (this_tool().version, this_build()))),
        settings=settings.digest,
        stamp=stamp_of(run, time.time_ns()),
    )


def stamp_of(run: FoundRun, now: int) -> str:
    """What stays while the files of a run do; empty where that cannot be told."""
    files = run.files
    if any(not file.stamp or now - file.changed_ns < _FRESH_NS for file in files):
        return ""
    told = repr([(file.name, file.size, file.stamp) for file in files])
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:_STAMP_DIGITS]


def encoded(rows: RunRows) -> Judged:
    """Rows as what leaves the process that made them."""
    run = rows.run
    day = None if run.started_at is None else timestamp(run.started_at)[:10]
    tables = {
        name: [to_plain(row, several_files=False) for row in table] for name, table in rows.tables()
    }
    line = dumps({"key": run.key, "day": day, "tables": tables})
    return Judged(run.key, day, run.failure, line)


def _rows(run: FoundRun, settings: FleetSettings) -> RunRows:
    blank = blank_row(run, settings)
    if run.report is not None:
        return _of_report(run, run.report, blank, settings)
    options = settings.options
    report = inspect_captures(
        [file.place for file in run.captures],
        replace(
            options,
            logs=(*options.logs, *(Path(log.place) for log in run.logs)),
            key_logs=(*options.key_logs, *(Path(log.place) for log in run.key_logs)),
        ),
    )
    digests = {
        file.place: capture.sha256
        for file, capture in zip(run.captures, report.captures, strict=True)
        if capture.sha256 is not None
    }
    blank = replace(blank, inputs=_inputs(run, digests), report_schema=REPORT_SCHEMA)
    rows = _told(report, blank, settings)
    if not report.connections:
        told = f"No TCP connection in scope ({report.topology.scope})"
        return RunRows(replace(rows.run, failure="no-tcp", error=told))
    return rows


def _of_report(run: FoundRun, file: File, blank: RunRow, settings: FleetSettings) -> RunRows:
    report = read_report(file.place)
    blank = replace(blank, inputs=_inputs(run, {}), report_schema=_schema_of(Path(file.place)))
    return scrubbed(_told(report, blank, settings), _scrubber())


def _told(report: Report, blank: RunRow, settings: FleetSettings) -> RunRows:
    told = {} if report.provenance is None else report.provenance.labels
    repository = blank.labels.get("repository") or told.get("repository", "")
    return rows_of(report, blank, settings.policy_for(repository), settings.today)


@lru_cache(maxsize=1)
def _scrubber() -> Callable[[str], str]:
    """Hides what has the shape of a key; fingerprints of it are of no use to anybody."""
    return CredentialReader(os.urandom(32)).scrub


def _schema_of(path: Path) -> str | None:
    """The format that a stored report states: in its first member, where this program wrote it."""
    with path.open("rb") as file:
        first = _SCHEMA.match(file.read(_HEAD))
    if first is not None:
        return first[1].decode()
    plain: Any = json.loads(path.read_bytes())
    stated = plain.get("schema")
    return stated if isinstance(stated, str) else None


def _inputs(run: FoundRun, known: Mapping[str, str]) -> str:
    """The digest of all files of a run; `known` are those of files that were read already."""
    whole = hashlib.sha256()
    for file in run.files:
        digest = known.get(file.place) or _sha256(Path(file.place))
        whole.update(f"{file.name}\0{digest}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _failure_of(run: FoundRun, error: InspectorError) -> Failure:
    if run.report is not None:
        return "not-a-report"
    return "not-a-capture" if error.exit_code == ExitCode.NOTHING_TO_ANALYSE else "unreadable"
