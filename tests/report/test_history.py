"""Reports of every version that there was: of each commit that changed the schema, by its program.

What a commit's program says of its golden captures is read by today's, judged and compared, and
stands in what is written again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from inspector.model.report import SCHEMA
from inspector.policy.judge import judge
from inspector.policy.reading import built_in
from inspector.report.compare import Side, compare
from inspector.report.formats.loading import NotAReport
from inspector.report.formats.whole import as_dict, read_dict
from tests.report.test_versions import holds

ROOT: Final = Path(__file__).parents[2]
#: A commit of a branch that wrote a certificate's dates as nanoseconds, before 2.0 was anywhere
#: (the year 9999 is later than these reach): what it says of one is refused with its place.
NANOSECONDS: Final = "a0a188e"
#: Commits whose own program fails on the captures beside it: they wrote no report.
SILENT: Final = frozenset({"5f7be5a", "c6e1a0d"})
#: The version that the reviews of the format looked at.
REVIEWED: Final = "e7c4826"

#: Every golden capture through the program that lies beside it, a report a line.
SAY: Final = """
import sys
from pathlib import Path
sys.path.insert(0, ".")
try:
    from inspector.capture_files import inspect
except ImportError:
    from inspector.inspection import inspect
try:
    from inspector.report.formats.json import pieces
except ImportError:
    from inspector.report.json import pieces
for path in sorted(Path("captures").glob("*/expected.json")):
    report = inspect(path.parent)
    print(b"".join(pieces(report)).replace(b"\\n", b" ").decode())
"""


def git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True
    ).stdout  # fmt: skip


@cache
def commits() -> tuple[str, ...]:
    """Those that changed the schema, and the reviewed one; none without the project's history."""
    try:
        told = git("log", "--format=%h", "--", "docs/report.schema.json", "docs/schemas").decode()
        reviewed = git("rev-parse", "--short", REVIEWED).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(dict.fromkeys((*told.split(), reviewed)))


def reports_of(commit: str, folder: Path) -> list[str]:
    archive = git("archive", commit, "inspector", "captures")
    with tarfile.open(fileobj=BytesIO(archive)) as tree:
        tree.extractall(folder, filter="data")
    run = subprocess.run(
        [sys.executable, "-c", SAY], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-1500:]
    return run.stdout.splitlines()


@pytest.mark.long
@pytest.mark.parametrize("commit", commits() or ["none"])
def test_the_golden_reports_of_a_commit_that_changed_the_schema_are_read(
    commit: str, tmp_path: Path
) -> None:
    if commit == "none":
        pytest.skip("no history of the project is here")
    if commit in SILENT:
        with pytest.raises(AssertionError, match="has no attribute"):
            reports_of(commit, tmp_path)
        return
    for line in reports_of(commit, tmp_path):
        old = json.loads(line)
        if commit == NANOSECONDS and '"not_before":9' in line:
            with pytest.raises(NotAReport, match=r"certificates\[0\]\.not_before is no str"):
                read_dict(old)
            continue
        read = read_dict(old)
        assert read.unknown == ()
        again = as_dict(read.report)
        assert holds(again, {**old, "schema": SCHEMA}), old["captures"][0]["name"]
        assert judge(read.report, built_in("awf"), date(2026, 12, 1)).exit_code in (0, 3, 5)
        assert compare(Side("a", read.report), Side("b", read.report)).differences == ()
