"""Whatever the network does and the reader asks, both engines deliver the same in one order."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import inspector.inspection
from inspector.capture_files import inspect_captures
from inspector.native.library import Loaded
from inspector.options import Options
from inspector.report.formats.whole import as_json
from tests.flows.build import Tcp, batch, native_core
from tests.native.difference import batches, difference, traffic

CAPTURES = Path(__file__).parents[2] / "captures"
OPTIONS = Options(fingerprint_key=b"made up" * 5)

seeds = st.integers(0, (1 << 32) - 1)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate])
@given(seeds)
def test_what_is_delivered_is_the_same(seed: int) -> None:
    found = difference(native_core(), batches(traffic(seed), seed), seed)
    assert found is None, found


def test_a_stretch_that_passed_unseen_counts_into_the_room_of_what_is_held() -> None:
    """A reader turns to batches in the middle of a segment."""
    tcp = Tcp().open().up(b"head")
    for _ in range(9):
        tcp.up(b"x" * 1448)
    for seed in range(60):
        found = difference(native_core(), [batch(tcp.wire.packets)], seed)
        assert found is None, found


def report(folder: Path, loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(inspector.inspection, "loaded", lambda: loaded)
    made = inspect_captures([folder], OPTIONS)
    return json.loads(as_json(replace(made, tool=replace(made.tool, core=None))))


def same_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pure = report(folder, Loaded(None, "as the test says"), monkeypatch)
    assert report(folder, Loaded(native_core()), monkeypatch) == pure


@pytest.mark.parametrize(
    "name", ["issue-1527", "parallel-20", "lost-packets", "mid-stream-start", "websocket"]
)
def test_a_report_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same_report(CAPTURES / name, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("folder", sorted(CAPTURES.glob("*/")), ids=lambda folder: folder.name)
def test_the_report_of_every_capture_is_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not any(folder.glob("capture.pcap*")):
        pytest.skip(f"{folder.name} holds no capture")
    same_report(folder, monkeypatch)
