"""The directory of a fleet: tables by day, and a journal of what is not yet in them.

    DIR/fleet.json                          the format, its version, the form of the tables
    DIR/runs/day=2026-11-29/runs.parquet    one file a table and day (or runs.jsonl)
    DIR/journal/*.jsonl                     judged runs that are in no table yet
    DIR/lock                                held by whoever writes

A run that was judged is appended to the journal; then the days that it changes are written anew,
each file whole under another name and renamed, and only then is the journal deleted.  Whoever is
killed in between loses nothing: the next invocation finds the journal.  Of a day `runs` is written
last, since it tells which days have rows of a run.  One invocation writes at a time, and others
may read meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from sys import intern
from typing import Any, Final

import orjson

from inspector.artifacts import ArtifactError, write_files
from inspector.errors import ExitCode, InspectorError
from inspector.fact import Fact
from inspector.fleet.forms import Change, Form, form_of
from inspector.fleet.journal import JOURNAL, Journal, Journals, give_to_user
from inspector.fleet.judging import Judged
from inspector.fleet.tables import SCHEMA, TABLES, empty_row
from inspector.report.formats.json import dumps

MANIFEST: Final = "fleet.json"
LOCK: Final = "lock"
#: The value of `day` of runs whose time is not known, as Hive writes it.
NO_DAY: Final = "__HIVE_DEFAULT_PARTITION__"
#: Bytes of the journal from which on the tables are written.
JOURNAL_LIMIT: Final = 32 << 20
_FORMAT: Final = SCHEMA.rpartition(".")[0]
_RUNS: Final = "runs"
#: Tables in the order in which those of a day are written.
_ORDER: Final = (*(table for table in TABLES if table != _RUNS), _RUNS)


class NotAFleet(InspectorError):
    """A directory that holds something else, or tables of another version."""

    exit_code = ExitCode.USAGE


class InUse(InspectorError):
    """Another invocation writes into the directory."""


class Known(Fact):
    """What the tables hold of a run."""

    day: str
    stamp: str
    settings: str
    inputs: str | None


@dataclass(slots=True)
class Store:
    """The tables in a directory.  Use `opened`."""

    directory: Path
    form: Form
    #: What the tables hold, by the keys of runs; only while this store writes.
    known: dict[str, Known] = field(default_factory=dict)
    _journal: Journal | None = None

    @classmethod
    def opened(cls, directory: Path, form: str | None = None) -> Store:
        """The store in a directory, which is made if need be.

        A journal that somebody left who was killed is taken in, where it can be: another invocation
        may write, or the directory be somebody else's.
        Raises `NotAFleet` and `ArtifactError`.
        """
        manifest = _manifest(directory)
        if manifest is None:
            chosen = form_of(form)
            about = dumps({"schema": SCHEMA, "form": chosen.name}) + b"\n"
            write_files(directory, {MANIFEST: lambda out: _put(out, about)}).complain()
        else:
            chosen = form_of(str(manifest.get("form")))
            if form is not None and form != chosen.name:
                raise NotAFleet(
                    f"The tables in {directory} are {chosen.name}",
                    "Give another directory with -o, or leave --tables out",
                )
        store = cls(directory, chosen)
        if (directory / JOURNAL).is_dir():
            with suppress(InUse, ArtifactError), store.writing():
                pass
        return store

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is added inside is in the tables behind it.  Raises `InUse` and `ArtifactError`."""
        with _locked(self.directory):
            self._read_known()
            self._settle()
            try:
                yield
            finally:
                self.settle()
                self.known.clear()

    def add(self, told: Judged) -> None:
        """Take what came of a run; only while `writing`."""
        if self._journal is None:
            self._journal = Journal(self.directory)
        self._journal.add(told.line)
        if self._journal.size >= JOURNAL_LIMIT:
            self.settle()

    def settle(self) -> None:
        """Bring the journal into the tables."""
        if self._journal is None:
            return
        self._journal.close()
        self._journal = None
        self._settle()

    def rows(
        self, table: str, columns: Sequence[str] | None = None, days: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of a table, of all days or some, with a column `day`; times are RFC 3339.

        What an earlier MINOR did not have is empty.
        """
        empty = empty_row(TABLES[table], columns)
        for day, path in self._partitions(table):
            if days is None or day in days:
                with suppress(FileNotFoundError):  # another invocation moved its last run away
                    for row in self.form.rows(path, columns):
                        yield {**empty, **row, "day": None if day == NO_DAY else day}

    def days(self) -> list[str]:
        """The days that there are tables of, in their order."""
        return [day for day, _ in self._partitions(_RUNS)]

    @property
    def lags(self) -> bool:
        """Whether there are judged runs that are in no table: another invocation writes."""
        return (self.directory / JOURNAL).is_dir()

    # -- the journal into the tables ------------------------------------------------------

    def _settle(self) -> None:
        place = self.directory / JOURNAL
        if not place.is_dir():
            return
        with closing(Journals(self.directory)) as found:
            self._take_in(found)
        shutil.rmtree(place)

    def _take_in(self, found: Journals) -> None:
        days = {key: day or NO_DAY for key, (day, _) in found.last.items()}
        stale: dict[str, set[str]] = {}
        for key, day in days.items():
            stale.setdefault(day, set()).add(key)
            if key in self.known:
                stale.setdefault(self.known[key].day, set()).add(key)
        for day in sorted(stale):
            keys = sorted(key for key in stale[day] if days[key] == day)
            for table in _ORDER:
                self._write(table, day, stale[day], found.rows(table, keys))
            for row in found.rows(_RUNS, keys):
                self.known[row["key"]] = _known(day, row)

    def _write(self, table: str, day: str, stale: set[str], rows: Iterator[dict[str, Any]]) -> None:
        place = self.directory / table / f"day={day}"
        name = f"{table}.{self.form.ending}"
        old = place / name
        there = old if old.exists() else None
        first = next(rows, None)
        if first is None and there is None:
            return
        counted = 0

        def write(out: Any) -> None:
            nonlocal counted
            all_rows = rows if first is None else chain([first], rows)
            counted = self.form.write(out, Change(TABLES[table], there, stale, all_rows))

        write_files(place, {name: write}).complain()
        if not counted:
            old.unlink()
            if not any(place.iterdir()):
                place.rmdir()

    def _read_known(self) -> None:
        self.known.clear()
        for row in self.rows(_RUNS, ("key", "stamp", "settings", "inputs")):
            self.known[row["key"]] = _known(row["day"] or NO_DAY, row)

    def _partitions(self, table: str) -> Iterator[tuple[str, Path]]:
        for place in sorted((self.directory / table).glob("day=*")):
            path = place / f"{table}.{self.form.ending}"
            if path.exists():
                yield place.name.removeprefix("day="), path


def is_fleet(directory: Path) -> bool:
    """Whether a directory holds the tables of a fleet."""
    return (directory / MANIFEST).is_file()


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Nobody else writes into the directory; the kernel frees it of whoever is killed."""
    path = directory / LOCK
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise ArtifactError(
            f"{directory} cannot be written into: {error.strerror}",
            "Give a directory that the invoking user can write with -o",
        ) from error
    try:
        give_to_user(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(
                f"Another invocation writes into {directory}",
                "Wait for its end, or give another directory with -o",
                "What is in the tables can be read meanwhile",
            ) from None
        yield
    finally:
        os.close(descriptor)


def _known(day: str, row: Mapping[str, Any]) -> Known:
    return Known(day, row["stamp"], intern(row["settings"]), row["inputs"])


def _manifest(directory: Path) -> dict[str, Any] | None:
    try:
        told = orjson.loads((directory / MANIFEST).read_bytes())
        schema = str(told.get("schema"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError):
        schema = ""
    if not schema.startswith(f"{_FORMAT}."):
        raise NotAFleet(
            f"{directory} holds no tables of {SCHEMA}, or of another version of it",
            "Give another directory with -o",
            "Nothing in it was changed",
        )
    return dict(told)


def _put(out: Any, data: bytes) -> None:
    out.write(data)
