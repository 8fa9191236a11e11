"""The directory of a fleet: tables by day, and a journal of what is not yet in them.

    DIR/fleet.json                          the format, its version, the form of the tables
    DIR/runs/day=2026-11-29/runs.parquet    one file a table and day (or runs.jsonl)
    DIR/journal/*.jsonl                     judged runs that are in no table yet

A run that was judged is appended to the journal; then the days that it changes are written anew,
each file whole under another name and renamed, and only then is the journal deleted.  Whoever is
killed in between loses nothing: the next invocation finds the journal.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, Final

import orjson

from inspector.artifacts import write_files
from inspector.errors import ExitCode, InspectorError
from inspector.fleet.forms import Form, form_of
from inspector.fleet.judging import Judged
from inspector.fleet.tables import SCHEMA, TABLES
from inspector.report.formats.json import dumps

MANIFEST: Final = "fleet.json"
JOURNAL: Final = "journal"
#: The value of `day` of runs whose time is not known, as Hive writes it.
NO_DAY: Final = "__HIVE_DEFAULT_PARTITION__"
#: Bytes of the journal from which on the tables are written.
JOURNAL_LIMIT: Final = 64 << 20
_MAJOR: Final = SCHEMA.partition(".fleet/")[2].partition(".")[0]


class NotAFleet(InspectorError):
    """A directory that holds something else, or tables of another version."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Known:
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
    known: dict[str, Known] = field(default_factory=dict)
    _journal: FileIO | None = None
    _written: int = 0

    @classmethod
    def opened(cls, directory: Path, form: str | None = None) -> Store:
        """The store in a directory, which is made if need be; a journal left over is taken in.

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
        store._read_known()
        store._settle()
        return store

    def add(self, told: Judged) -> None:
        """Take what came of a run."""
        if self._journal is None:
            place = self.directory / JOURNAL
            place.mkdir(mode=0o700, exist_ok=True)
            path = place / f"{os.getpid()}.jsonl"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._journal = FileIO(descriptor, "ab")
        self._journal.write(told.line + b"\n")
        self._written += len(told.line)
        if self._written >= JOURNAL_LIMIT:
            self.settle()

    def settle(self) -> None:
        """Bring the journal into the tables."""
        if self._journal is None:
            return
        os.fsync(self._journal.fileno())
        self._journal.close()
        self._journal, self._written = None, 0
        self._settle()

    def rows(
        self, table: str, columns: Sequence[str] | None = None, days: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of a table, of all days or some, with a column `day`; times are RFC 3339."""
        for day, path in self._partitions(table):
            if days is None or day in days:
                for row in self.form.rows(path, TABLES[table], columns):
                    row["day"] = None if day == NO_DAY else day
                    yield row

    def days(self) -> list[str]:
        """The days that there are tables of, in their order."""
        return [day for day, _ in self._partitions("runs")]

    # -- the journal into the tables ------------------------------------------------------

    def _settle(self) -> None:
        place = self.directory / JOURNAL
        if not place.is_dir():
            return
        found = _Journal(sorted(place.glob("*.jsonl")))
        stale: dict[str, set[str]] = {}
        for key, (day, _) in found.last.items():
            stale.setdefault(day, set()).add(key)
            if key in self.known:
                stale.setdefault(self.known[key].day, set()).add(key)
        for day in sorted(stale):
            keys = sorted(key for key in stale[day] if found.last[key][0] == day)
            for table in TABLES:
                self._write(table, day, stale[day], found.rows(table, keys))
            for row in found.rows("runs", keys):
                self.known[row["key"]] = _known(day, row)
        found.close()
        shutil.rmtree(place)

    def _write(self, table: str, day: str, stale: set[str], rows: Iterator[dict[str, Any]]) -> None:
        place = self.directory / table / f"day={day}"
        name = f"{table}.{self.form.ending}"
        old = place / name
        counted = 0

        def write(out: Any) -> None:
            nonlocal counted
            counted = self.form.write(
                out, TABLES[table], old if old.exists() else None, stale, rows
            )

        write_files(place, {name: write}).complain()
        if not counted:
            old.unlink()
            if not any(place.iterdir()):
                place.rmdir()

    def _read_known(self) -> None:
        self.known.clear()
        for row in self.rows("runs", ("key", "stamp", "settings", "inputs")):
            self.known[row["key"]] = _known(row["day"] or NO_DAY, row)

    def _partitions(self, table: str) -> Iterator[tuple[str, Path]]:
        for place in sorted((self.directory / table).glob("day=*")):
            path = place / f"{table}.{self.form.ending}"
            if path.exists():
                yield place.name.removeprefix("day="), path


class _Journal:
    """The lines of journals by run: of two judgements of one run the later counts."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb") for path in paths]
        #: Key -> its day, and where its line is.
        self.last: dict[str, tuple[str, tuple[int, int]]] = {}
        for number, file in enumerate(self._files):
            at = 0
            for line in file:
                if line.endswith(b"\n"):  # whoever wrote it may have been killed in its middle
                    told = orjson.loads(line)
                    self.last[told["key"]] = (told["day"] or NO_DAY, (number, at))
                at += len(line)

    def rows(self, table: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The rows of a table of these runs, in their order."""
        for key in keys:
            number, at = self.last[key][1]
            self._files[number].seek(at)
            yield from orjson.loads(self._files[number].readline())["tables"][table]

    def close(self) -> None:
        for file in self._files:
            file.close()


def is_fleet(directory: Path) -> bool:
    """Whether a directory holds the tables of a fleet."""
    return (directory / MANIFEST).is_file()


def _known(day: str, row: Mapping[str, Any]) -> Known:
    return Known(day, row["stamp"], row["settings"], row["inputs"])


def _manifest(directory: Path) -> dict[str, Any] | None:
    try:
        told = orjson.loads((directory / MANIFEST).read_bytes())
        schema = str(told.get("schema"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError):
        schema = ""
    if not schema.startswith(f"inspector.fleet/{_MAJOR}."):
        raise NotAFleet(
            f"{directory} holds no tables of {SCHEMA}, or of another version of it",
            "Give another directory with -o",
            "Nothing in it was changed",
        )
    return dict(told)


def _put(out: Any, data: bytes) -> None:
    out.write(data)
