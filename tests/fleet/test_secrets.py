"""No table, no page and no message of a fleet holds a piece of a key, or tells one from another."""

from __future__ import annotations

import html
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from inspector.fleet.comparison import compare
from inspector.fleet.comparison_page import render_comparison
from inspector.fleet.discovery import discover, runs_of
from inspector.fleet.fetching import fetch
from inspector.fleet.files import File, Folder, bare, shown
from inspector.fleet.html.write import write_html
from inspector.fleet.judging import judged
from inspector.fleet.page import render
from inspector.fleet.settings import FleetSettings
from inspector.fleet.summary import summarise
from inspector.fleet.told import plain_comparison, plain_summary
from inspector.report.formats.json import dumps
from tests.canary.keys import canary
from tests.canary.logs import LOGS, log_of_keys
from tests.canary.outputs import OPTIONS, refused
from tests.canary.planted import ABOUT, SAMPLE, WATCH
from tests.canary.wire import capture
from tests.fleet.runs import SETTINGS, aged, judge
from tests.leaks.artifacts import without_fingerprints
from tests.leaks.cases import pair
from tests.leaks.drawn import Drawn, drawn
from tests.leaks.views import is_leaked

TELLING: FleetSettings = replace(
    SETTINGS, options=replace(OPTIONS, fingerprint_key=32 * b"k", finds_keys=True)
).sealed()


def all_of(place: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file())


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Everything that is left of runs with keys in packets, logs, names and paths."""
    place = tmp_path_factory.mktemp("planted")
    named = SAMPLE[0].key.text
    talks = {
        "kept": [item.talk for item in SAMPLE],
        "refused": [refused(item.talk) for item in SAMPLE],
    }
    for name, said in talks.items():
        run = place / "runs" / f"{name}-{named}"
        run.mkdir(parents=True)
        (run / "capture.pcapng").write_bytes(capture(said, ABOUT))
        for log, table in LOGS.items():
            (run / log).write_bytes(log_of_keys(log, table))
    (place / "runs" / f"broken-{named}.pcap").write_bytes(named.encode())
    _, store = judge(place / "runs", place / "out", settings=TELLING)
    told = summarise(store)
    page = io.BytesIO()
    write_html(told, "out", page)
    differences = compare(store, store)
    return all_of(place / "out") + b"\n".join(
        (
            render(told, "out", width=500, verbose=True).encode(),
            dumps(plain_summary(told, 0)),
            render_comparison(differences, "a", "b", width=500).encode(),
            dumps(plain_comparison(differences, "a", "b", 0)),
            html.unescape(page.getvalue().decode()).encode(),
        )
    )


def test_no_table_and_no_page_holds_a_piece_of_a_key(left: bytes) -> None:
    assert b"agents" in left or b"x-api-key" in left
    assert WATCH.leaks(left) == []


def test_the_runs_were_read_so_that_they_could_give_a_key_away(left: bytes) -> None:
    assert left.count(b'"exchange":') > 100
    assert b'"failure":"not-a-capture"' in left


def test_two_keys_that_are_alike_leave_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "run" / "capture.pcapng"
    path.parent.mkdir()

    def line(data: bytes) -> bytes:
        path.write_bytes(data)
        aged(path)
        [run] = discover([str(path.parent)])
        return judged(run, TELLING).line

    @settings(max_examples=15)
    @given(drawn)
    def held(case: Drawn) -> None:
        one, other = pair(str(case.seed), case.shape)
        first, second = case.built(one.text), case.built(other.text)
        rows = line(first)
        assert not is_leaked([one.secret], rows)
        if len(first) == len(second):
            assert without_fingerprints(rows) == without_fingerprints(line(second))

    held()


# -- places -------------------------------------------------------------------------

TOKEN = canary("a presigned URL", "unshaped").text
PRESIGNED = f"https://user:{TOKEN}@store.lab.test/runs/7/capture.pcap?X-Amz-Signature={TOKEN}#x"


def test_a_url_is_shown_without_what_it_carries() -> None:
    assert shown(PRESIGNED) == "https://store.lab.test/runs/7/capture.pcap"
    assert bare(PRESIGNED) == shown(PRESIGNED)
    assert TOKEN not in repr(File("capture.pcap", PRESIGNED, 0, ""))


def test_the_same_object_under_another_signature_is_the_same_run() -> None:
    keys = set()
    for url in (PRESIGNED, PRESIGNED.replace("Signature=", "Signature=0")):
        [run] = runs_of(Folder(url, "", (File("capture.pcap", url, 0, ""),)))
        assert TOKEN not in repr(run)
        keys.add(run.key)
    assert len(keys) == 1


def test_what_a_store_says_is_told_without_its_url(tmp_path: Path) -> None:
    url = f"memory://runs/{TOKEN}/capture.pcap?X-Amz-Signature={TOKEN}"
    [run] = runs_of(Folder(url, "", (File("capture.pcap", url, 0, ""),)))
    fetched = fetch(run, tmp_path)
    assert fetched.trouble is not None
    assert TOKEN not in fetched.trouble
    assert TOKEN.encode() not in judged(fetched, SETTINGS).line
