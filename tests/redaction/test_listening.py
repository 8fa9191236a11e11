"""Whatever a reader does, an error in it blanks, is counted, and costs nothing but bytes."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from inspector.exchanges.http import HttpLayer
from inspector.inspection import Inspector
from inspector.redaction import Redactor
from inspector.redaction.frames import FrameReader
from inspector.redaction.held import Share
from inspector.redaction.messages import Messages
from inspector.redaction.placing import Placing
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
        (HttpLayer, "receive"), (HttpLayer, "settled"), (Share, "cover"), (Placing, "_direction"),
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


def test_a_bug_in_masking_what_waited_blanks_it_and_costs_the_report_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was in one batch waits until the next has brought the rest of the head."""
    whole = Share.cover
    calls = []

    def fail_later(share: Share, *more: Any, **by_name: Any) -> None:
        calls.append(share)
        if calls.count(share) > 1:
            fail()
        whole(share, *more, **by_name)

    monkeypatch.setattr(Share, "cover", fail_later)
    tcp = Tcp().open()
    for part in (b"GET /?key=LABO", b"NLY9 HTTP/1.1\r\nHost: ", b"made-up.example\r\n\r\n"):
        tcp.up(part)
    tcp.down(response(b"{}")).close()
    out, summary = redacted(tcp.wire.packets, 1)
    assert b"LABO" not in payloads(out)
    assert b"NLY9" not in payloads(out)
    assert summary.blanked["internal-error"] == 2
