"""Each attack of the table in docs/limits.md takes work in proportion to its number."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

import pytest

from benchmarks import growth
from benchmarks.attacks import ATTACKS
from inspector.inspection import Inspector, Sources
from inspector.native.library import Loaded
from inspector.options import Options
from inspector.pcap.reader import CaptureReader
from inspector.pcap.source import ByteSource
from inspector.report.formats.whole import as_json
from tests.exchanges.network import FINGERPRINT_KEY
from tests.growth import steps

#: Enough of each that what is done once does not count; of tunnels within one another more than
#: are looked into, as each of those reads what is within it.
FEW: Final = {
    "packets": 400, "copies": 400, "unanswered": 60_000, "fields": 100, "auth-fields": 8,
    "line": 20_000, "chunks": 400, "event-names": 200, "event-lines": 400, "event-line": 40_000,
    "json-depth": 2_000, "json-members": 400, "gzip": 200_000, "gzip-events": 500,
    "websocket": 500, "gzip-file": 40_000, "nested": 70, "http2": 100,
    "fragments": 200,    "interfaces": 100, "sections": 100, "comments": 100, "secrets": 100,
}  # fmt: skip
#: What is done by C code of Python's own, or once, is seen as nothing; that is well, too.
_STEEPEST: Final = 2.4


@pytest.fixture(autouse=True)
def pure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of Python are counted, so the engine is the one that has some."""
    monkeypatch.setattr("inspector.inspection.loaded", lambda: Loaded(None, "counted"))


def work(name: str, n: int) -> Callable[[], object]:
    """Reading the capture of an attack, until its report is JSON."""
    source = ATTACKS[name].make(n)

    def read() -> object:
        inspector = Inspector(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))
        for each in CaptureReader(ByteSource(BytesIO(source)), "attack", 0):
            inspector.feed(each)
        return as_json(inspector.finish(Sources()))

    return read


@pytest.mark.parametrize("name", [name for name in ATTACKS if not name.startswith("log")])
def test_twice_as_much_takes_twice_as_many_steps(name: str) -> None:
    n = FEW.get(name, 40)
    work(name, 4)()  # what is made once
    first, second, third = (steps(work(name, n * times)) for times in (1, 2, 4))
    assert second < _STEEPEST * first, (first, second, third)
    assert third < _STEEPEST * second, (first, second, third)


# -- the figures -----------------------------------------------------------------------------------


def row(cpu: list[float], peak: list[int], artifacts: list[float]) -> dict[str, Any]:
    return {"cpu": cpu, "peak": peak, "artifacts": artifacts}


def test_what_grows_by_more_than_its_number_is_named_with_the_figure() -> None:
    fine = row([1.0, 2.0, 4.1], [40, 50, 70], [9.0, 100])
    assert growth.too_steep(fine) == []
    assert growth.too_steep({**fine, "cpu": [1.0, 4.0, 16.0]}) == [
        "4.00 s of CPU after 1.00 s for half as many",
        "16.00 s of CPU after 4.00 s for half as many",
    ]
    assert growth.too_steep({**fine, "artifacts": [9.0, 999]}) == ["999 MB"]


def test_what_takes_no_time_at_all_may_take_three_times_that() -> None:
    assert growth.too_steep(row([0.0, 0.1, 0.5], [40, 40, 40], [0.5, 40])) == []


def test_limits_are_those_of_the_report_and_oddities_that_are_one() -> None:
    report = {
        "oddities": [{"name": "too-many-fields"}, {"name": "duplicate"}, {"name": "json-limit"}],
        "completeness": {"limits_hit": ["bytes of a head"]},
    }
    assert growth.limits_of(report) == ("bytes of a head", "too-many-fields", "json-limit")


def test_an_attack_is_measured_by_the_program_itself() -> None:
    found = growth.cost(ATTACKS["fields"], 2100)
    assert found.cpu > 0
    assert 20 < found.peak < 200
    assert "too-many-fields" in found.limits


def test_every_attack_has_its_row_of_figures_and_what_there_is_of_it_in_words() -> None:
    figures = json.loads(growth.FIGURES.read_text())["attacks"]
    assert list(figures) == list(ATTACKS)
    for name, attack in ATTACKS.items():
        assert (figures[name]["things"], figures[name]["n"]) == (attack.things, attack.n)
        assert attack.things
