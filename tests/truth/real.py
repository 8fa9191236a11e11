"""The recordings of the real firewall stack, and what their logs say happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.truth.beside import SHARED as SHARED
from tests.truth.beside import needs

RECORDINGS = SHARED / "real-captures"
needs_recordings = needs(RECORDINGS.name)

#: Recordings from which packets were dropped: they show a part of their truth.
DERIVED = "11"


@dataclass(frozen=True)
class Recording:
    """One recording: its folder and the truth from client, proxy, Squid and upstream logs."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_partial(self) -> bool:
        return self.name.startswith(DERIVED)

    @property
    def capture(self) -> Path:
        return next(self.folder.glob("capture.pcap*"))

    @property
    def truth(self) -> dict[str, Any]:
        return _truth(self.folder)


@lru_cache
def _truth(folder: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return truth


def recordings() -> list[Recording]:
    """All recordings, in order of their names; none when the folder is absent."""
    return [Recording(path.parent) for path in sorted(RECORDINGS.glob("*/truth.json"))]


def place(text: str) -> tuple[str, int]:
    """`ip:port` of a truth as a pair."""
    ip, _, port = text.rpartition(":")
    return ip, int(port)
