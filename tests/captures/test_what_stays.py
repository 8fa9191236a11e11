"""What a redacted copy of a golden capture keeps: the facts that a reader looks for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from inspector import inspect
from inspector.model.http import Exchange
from inspector.model.network import Tunnel
from inspector.options import Options
from inspector.redaction import redact_into
from lab.index import CAPTURES

SOURCES = sorted(CAPTURES.glob("*/capture.pcapng"))
#: Of start lines, header names, statuses and placeholders together.
KEPT = 0.999


def facts(path: Path) -> Counter[tuple[str, ...]]:
    report = inspect(path, options=Options(fingerprint_key=b"lab"))
    found: Counter[tuple[str, ...]] = Counter()
    messages: list[Exchange | Tunnel] = [*report.exchanges, *report.tunnels]
    for item in messages:
        if isinstance(item, Tunnel):
            found["authority", str(item.authority), str(item.connect_status)] += 1
            found.update(("name", name) for name, _ in item.headers)
            continue
        if item.request is not None:
            found["line", item.request.method, item.request.target] += 1
            found.update(("name", name) for name, _ in item.request.headers)
            found.update(
                ("placeholder", auth.credential.placeholder)
                for auth in item.request.auth
                if auth.credential.placeholder
            )
        if item.response is not None:
            found["line", str(item.response.status), item.response.reason] += 1
            found.update(("name", name) for name, _ in item.response.headers)
    return found


@pytest.fixture(scope="module")
def both() -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    before: Counter[tuple[str, ...]] = Counter()
    after: Counter[tuple[str, ...]] = Counter()
    with TemporaryDirectory() as folder:
        for number, source in enumerate(SOURCES):
            target = Path(folder) / f"{number}.pcapng"
            with target.open("w+b") as out:
                redact_into(source, out)
            before += facts(source)
            after += facts(target)
    return before, after


def test_start_lines_names_statuses_and_placeholders_stay(
    both: tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]],
) -> None:
    before, after = both
    lost = sum((before - after).values())
    assert before.total() > 5000
    assert lost <= before.total() * (1 - KEPT), (before - after).most_common(10)


def test_no_start_line_of_a_golden_capture_is_hidden(
    both: tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]],
) -> None:
    hidden = [fact for fact in both[0] if any(" bytes " in word for word in fact)]
    assert hidden == []
