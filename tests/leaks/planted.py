"""The planted captures of another hand, which lie beside the checkout."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.leaks.artifacts import artifacts
from tests.leaks.record import Record
from tests.leaks.views import is_leaked
from tests.truth.beside import SHARED

ARCHIVE: Final = SHARED / "planted-captures.tar.xz"
SUITE: Final = "planted"
#: Of which nothing in the capture tells that it is a key.
UNTOLD: Final = "N"


@dataclass(frozen=True)
class PlantedCapture:
    """A row of the archive's index."""

    folder: Path
    file: str
    kind: str
    secrets: tuple[bytes, ...]
    options: tuple[str, ...]
    logs: tuple[tuple[str, str], ...]

    def leaks(self, work: Path) -> frozenset[str]:
        """The outputs in which a piece of a secret stands; a refused copy is told as one."""
        path = self.folder / self.file
        options: list[str | Path] = list(self.options)
        for suffix, option in self.logs:
            # Under a plain name: that of the file would be a witness of its own.
            log = work.parent / f"log.{suffix}"
            log.write_bytes((self.folder / f"{self.file}.{suffix}").read_bytes())
            options += [option, log]
        made = artifacts(path.read_bytes(), work, options, path.suffix)
        leaking = {name for name, data in made.items() if is_leaked(self.secrets, data)}
        return frozenset(leaking | ({"refused"} if "redact" not in made else set()))


def unpacked(folder: Path) -> Path:
    """The archive, unpacked below `folder`."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.rglob("index.jsonl")).parent


def captures(folder: Path, step: int = 1) -> Iterator[PlantedCapture]:
    """Every `step`th capture of which something can tell that it holds a key."""
    lines = (folder / "index.jsonl").read_text().splitlines()
    for line in lines[::step]:
        row = json.loads(line)
        if row["kind"] != UNTOLD:
            yield PlantedCapture(
                folder,
                row["file"],
                row["kind"],
                tuple(secret.encode("latin-1") for secret in row["secrets"]),
                tuple(row["opts"]),
                tuple(row["logs"].items()),
            )


def seen(folder: Path, work: Path, step: int = 1) -> Record:
    """What leaks of them now."""
    return Record({(SUITE, one.kind, one.file): one.leaks(work) for one in captures(folder, step)})
