"""Whatever a reader does, an error in it blanks, is counted, and costs nothing but bytes."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from inspector.exchanges.http import HttpLayer
from inspector.inspection import Inspector
from inspector.redaction import Redactor
from inspector.redaction.frames import FrameReader
from inspector.redaction.messages import Messages
from inspector.redaction.records import Records
from inspector.report.formats.whole import as_dict
from tests.flows.build import Tcp, batch
from tests.redaction.test_canary import OPTIONS, report_of
from tests.redaction.test_packets import payloads, redacted
from tests.redaction.test_streams import ASKED, PUBLIC, UNSHAPED, response

HELLO = b"\x16\x03\x01\0\x04\x01\0\0\0"


def talk(vlan: int | None = None) -> Tcp:
    tcp = (
        Tcp(vlan=vlan)
        .open()
        .up(ASKED.replace(PUBLIC, UNSHAPED))
        .down(response(b'{"a":"LABONLY9"}'))
    )
    Tcp(tcp.wire, client=("172.30.0.20", 40009)).open().up(HELLO + b"LABONLY").close()
    return tcp.up(ASKED).down(response(b"{}")).close()


def fail(*_: object, **__: object) -> Any:
    raise ValueError("a bug that quotes LABONLY9")


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (Messages, "take"), (Messages, "force"), (Records, "take"),
        (HttpLayer, "receive"), (HttpLayer, "settled"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)  # fmt: skip
def test_a_bug_blanks_is_counted_and_logged_without_its_text(
    owner: type, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(owner, method, fail)
    with caplog.at_level(logging.ERROR):
        out, summary = redacted(talk().wire.packets)
    data = payloads(out)
    assert b"LABONLY" not in data
    assert [len(b.data) for b in out]
    assert summary.blanked["internal-error"] >= 1
    assert "ValueError" in caplog.text
    assert "LABONLY" not in caplog.text


def test_a_frame_that_its_decoder_fails_on_is_blanked_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FrameReader, "read", fail)
    packets = talk(vlan=7).wire.packets
    with caplog.at_level(logging.ERROR):
        out, summary = redacted(packets)
    tagged = [packet for packet in packets if packet.frame[12:14] == b"\x81\x00"]
    frames = [b.data[at : at + size] for b in out for _, at, size, _ in b.records]
    assert frames.count(b"x" * 54 + b"x" * 4) == sum(len(each.frame) == 58 for each in tagged)
    assert b"LABONLY" not in b"".join(frames)
    assert summary.blanked["internal-error"] == len(tagged)
    assert "LABONLY" not in caplog.text


@pytest.mark.parametrize("method", ["take", "force"])
def test_an_error_in_the_copy_costs_the_report_nothing(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets = talk().wire.packets
    told = report_of([batch(packets)])
    monkeypatch.setattr(Messages, method, fail)
    redactor = Redactor()
    inspector = Inspector(OPTIONS, audience=redactor)
    redactor.follow(inspector)
    out = [*redactor.feed(batch(packets)), *redactor.finish()]
    assert sum(len(b.records) for b in out) == len(packets)
    report = as_dict(inspector.finish())
    assert {**report, "exchanges": 0}.keys() == told.keys()
    assert len(report["exchanges"]) == len(told["exchanges"])
    assert "internal-error" not in str(report["oddities"])
