"""Folders of runs for the tests of the fleet, made from the golden captures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from inspector.fleet.cell import RunTask
from inspector.fleet.engines import Engine
from inspector.fleet.invocation import Outturn, judge_all
from inspector.fleet.judging import Judged, judged
from inspector.fleet.settings import FleetSettings
from inspector.fleet.store import Store
from inspector.options import Options

ROOT: Final = Path(__file__).parents[2]
CAPTURES: Final = ROOT / "captures"
#: What a user who named a key file has; the day decides nothing without a policy.
SETTINGS: Final = FleetSettings(
    options=Options(fingerprint_key=32 * b"k", finds_keys=True), today=date(2026, 11, 29)
).sealed()


def golden(name: str, place: Path, *, only: Iterable[str] | None = None) -> Path:
    """A copy of a golden capture's folder, old enough for its times to be believed."""
    place.mkdir(parents=True)
    for path in sorted((CAPTURES / name).iterdir()):
        if path.is_file() and (only is None or path.name in only):
            shutil.copy2(path, place / path.name)
            aged(place / path.name)
    return place


def aged(path: Path) -> Path:
    """The same file, last changed long ago."""
    os.utime(path, ns=(1_700_000_000_000_000_000, 1_700_000_000_000_000_000))
    return path


def here(questions: Iterable[RunTask], settings: FleetSettings) -> Iterator[Judged]:
    """An engine without processes, for tests of what is around it."""
    return (judged(question.run, settings, question.known_inputs) for question in questions)


def judge(
    place: Path | str,
    out: Path,
    *,
    engine: Engine = here,
    settings: FleetSettings = SETTINGS,
    form: str | None = "jsonl",
    **more: Any,
) -> tuple[Outturn, Store]:
    """Judge the runs below a folder into tables."""
    store = Store.opened(out, form)
    return judge_all([str(place)], store, settings, engine, **more), store


def rows(store: Store, table: str = "runs") -> list[dict[str, Any]]:
    """All rows of a table, in the order of their runs."""
    return sorted(store.rows(table), key=repr)
