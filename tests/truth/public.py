"""Captures of public test suites, and what two independent readers agree they hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.truth.beside import SHARED, needs

CORPUS = SHARED / "public-captures"
needs_corpus = needs(CORPUS.name)


@dataclass(frozen=True)
class PublicCapture:
    """One well-formed file and its entry of `truth.json`."""

    path: Path
    truth: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.name


def well_formed() -> list[PublicCapture]:
    """All files whose content is known; none when the folder is absent."""
    index = CORPUS / "truth.json"
    if not index.exists():
        return []
    return [PublicCapture(CORPUS / entry["file"], entry) for entry in json.loads(index.read_text())]


def hostile() -> list[Path]:
    """All odd and malformed files; none when the folder is absent."""
    return sorted((CORPUS / "hostile").glob("*"))
