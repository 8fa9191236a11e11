"""A report does not depend on which engine read: the compiled core, or Python alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from inspector import inspect
from inspector.errors import InspectorError
from inspector.native.library import Loaded
from inspector.native.used import USED
from inspector.options import Options
from inspector.report.formats.json import write_json
from lab.index import CAPTURES
from tests.flows.build import native_core
from tests.truth.beside import SHARED, needs

SOURCES = sorted(path.parent for path in CAPTURES.glob("*/capture.pcapng"))
#: Each of so many parts of the golden captures is a test.
PARTS = 4
_LOADERS = ("inspector.inspection.loaded", "inspector.pcap.walked.loaded")


@contextmanager
def engine(found: Loaded) -> Iterator[None]:
    """What reads meanwhile."""
    with ExitStack() as held:
        for name in _LOADERS:
            held.enter_context(patch(name, lambda: found))
        held.enter_context(patch.object(USED, "core", found.core))
        yield


def told(path: Path, found: Loaded) -> Any:
    """The report of a capture but for which engine read it; or why there is none."""
    out = io.BytesIO()
    with engine(found):
        try:
            write_json(inspect(path, options=Options(fingerprint_key=b"made up")), out)
        except InspectorError as error:
            return str(error)
    report = json.loads(out.getvalue())
    assert report["tool"].pop("core") == ("pure" if found.core is None else "native")
    report.pop("provenance")
    return report


def differing(paths: Sequence[Path]) -> list[str]:
    native, pure = Loaded(native_core()), Loaded(None, "a test")
    return [path.name for path in paths if told(path, native) != told(path, pure)]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_of_golden_captures_both_engines_tell_the_same(part: int) -> None:
    assert len(SOURCES) > 100
    assert differing(SOURCES[part::PARTS]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        pytest.param(name, pattern, marks=needs(name))
        for name, pattern in (
            ("real-captures", "*/*.pcap*"),
            ("public-captures", "well-formed/**/*.pcap*"),
            ("public-captures", "hostile/*"),
            ("field-cases", "*/*.pcap*"),
        )
    ],
)
def test_of_captures_that_nobody_here_made_both_engines_tell_the_same(
    folder: str, pattern: str
) -> None:
    found = sorted(path for path in (SHARED / folder).glob(pattern) if path.is_file())
    assert found
    assert differing(found) == []
