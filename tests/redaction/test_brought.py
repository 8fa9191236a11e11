"""Of each byte of a direction it is known which packet brought it, until it is decided."""

from __future__ import annotations

from array import array

import pytest

from inspector.redaction.brought import Brought
from inspector.wire import Segment, Segments

#: Packets 7, 8 and 9, the last two at one time, with 5, 3 and 4 bytes.
TOLD: list[Segment] = [(100, 7, b"hello"), (200, 8, b"you"), (200, 9, b"lot!")]
PACKED = Segments(
    b"hello|you|lot!", array("q", [100, 7, 0, 5, 200, 8, 6, 9, 200, 9, 10, 14])
)  # fmt: skip


@pytest.fixture(params=[TOLD, PACKED], ids=["segments", "packed"])
def brought(request: pytest.FixtureRequest) -> Brought:
    made = Brought()
    assert made.add(20, request.param) == 200
    return made


@pytest.mark.parametrize(
    ("offset", "packet"), [(19, (0, 0)), (20, (7, 100)), (24, (7, 100)), (25, (8, 200)),
                           (28, (9, 200)), (99, (9, 200))]
)  # fmt: skip
def test_a_byte_leads_to_its_packet(brought: Brought, offset: int, packet: tuple[int, int]) -> None:
    assert brought.of(offset) == packet


def test_the_last_packet_of_a_time_is_found_where_it_begins(brought: Brought) -> None:
    assert brought.last(200, 99) == 28
    assert brought.last(200, 26) == 25
    assert brought.last(100, 99) == 20
    assert brought.last(300, 26) == 26, "none of that time: where it was asked for"


def test_what_is_decided_is_forgotten_run_by_run(brought: Brought) -> None:
    brought.add(32, TOLD[:1])
    brought.forget(31)
    assert brought.of(20) == (7, 100)
    brought.forget(32)
    assert brought.of(20) == (0, 0)
    assert brought.of(33) == (7, 100)
