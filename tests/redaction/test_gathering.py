"""Packets leave without what lies between them, in whatever order they lie."""

from __future__ import annotations

import pytest

from inspector.native.used import USED
from inspector.redaction.gathering import gathered
from inspector.wire import PackedRecords
from tests.flows.build import native_core

DATA = b"head|first|LABONLY|second, longer|LABONLY|x|"
PLACES = {"first": (5, 5), "second": (19, 14), "x": (42, 1)}


@pytest.mark.parametrize("is_pure", [True, False])
@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("order", [["first", "second", "x"], ["second", "x", "first"], ["x"], []])
def test_packets_stand_one_behind_another(
    order: list[str], is_last: bool, is_pure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(USED, "core", None if is_pure else native_core())
    records = PackedRecords([(7, *PLACES[name], 99) for name in order])
    data = bytearray(DATA)
    said, places = gathered(data, records, is_last=is_last)
    packets = [DATA[at : at + size] for at, size in map(PLACES.__getitem__, order)]
    assert said == b"".join(packets)
    assert [said[at : at + size] for _, at, size, _ in places] == packets
    assert [(at, wire) for at, _, _, wire in places] == [(7, 99)] * len(order)
    assert is_last or data == DATA
