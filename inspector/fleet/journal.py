"""What was judged and is in no table yet: a line a run, so that whoever is killed loses none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from inspector.artifacts import ArtifactError, Owner

#: The folder of journals, in the directory of the tables.
JOURNAL: Final = "journal"
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class Journal:
    """The journal of this process; `size` are its bytes."""

    def __init__(self, directory: Path) -> None:
        self._place = directory / JOURNAL
        self._place.mkdir(mode=0o700, exist_ok=True)
        path = self._place / f"{os.getpid()}.jsonl"
        self._descriptor = os.open(path, _APPEND, 0o600)
        self.size = 0
        give_to_user(self._place, path)

    def add(self, line: bytes) -> None:
        """Append a line.  Raises `ArtifactError`; what there is of the line then is passed over."""
        left = memoryview(line + b"\n")
        self.size += len(left)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise ArtifactError(
                f"The journal in {self._place} cannot be written: {error.strerror}",
                "Make room, and begin again",
                "What is in the journal is lost to nobody",
            ) from error

    def close(self) -> None:
        """Bring it to the disk."""
        os.fsync(self._descriptor)
        os.close(self._descriptor)


def give_to_user(*paths: Path) -> None:
    """Under sudo the invoking user owns what is left: the next invocation may be without it."""
    if (owner := Owner.invoking()) is not None:
        for path in paths:
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


class Journals:
    """The lines of all journals by run: of two judgements of one run the later counts."""

    def __init__(self, directory: Path) -> None:
        paths = sorted((directory / JOURNAL).glob("*.jsonl"))
        self._files = [path.open("rb") for path in paths]
        #: Key -> its day (None: not known), and where its line is.
        self.last: dict[str, tuple[str | None, tuple[int, int]]] = {}
        for number, file in enumerate(self._files):
            at = 0
            for line in file:
                if line.endswith(b"\n"):  # whoever wrote it may have been killed in its middle
                    told = orjson.loads(line)
                    self.last[told["key"]] = (told["day"], (number, at))
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
