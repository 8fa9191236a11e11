"""Event streams as the lab and the real stack sent them: bodies, cut where packets cut them."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from inspector.model.http import EventStream
from inspector.protocols.content import Decoder
from inspector.protocols.sse import SseParser
from inspector.wire import Segment
from tests.truth.real import RECORDINGS, needs_recordings

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")

CAPTURES = Path(__file__).parents[2] / "captures"

FIELDS = ("frame.number", "tcp.stream", "tcp.payload")
FROM_API_PROXY = "tcp.len > 0 && tcp.srcport in {10000, 10001} && !tcp.analysis.retransmission"


def event_streams(capture: Path) -> list[tuple[EventStream, SseParser, Decoder]]:
    """What the parser says of every chunked event stream that the API proxy sent.

    Enough HTTP for these captures: one response after another, chunks as sent.
    """
    command = ["tshark", "-n", "-r", str(capture), "-Y", FROM_API_PROXY, "-T", "fields"]
    command += [part for field in FIELDS for part in ("-e", field)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    connections: dict[str, list[Segment]] = defaultdict(list)
    for line in table.splitlines():
        number, connection, payload = line.split("\t")
        connections[connection].append((int(number), int(number), bytes.fromhex(payload)))

    found = []
    for segments in connections.values():
        data = b"".join(piece for _, _, piece in segments)
        while data.startswith(b"HTTP/1.1 "):
            head, _, data = data.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            if fields.get(b"transfer-encoding") != b"chunked":
                data = data[int(fields.get(b"content-length", 0)) :]
                continue
            pieces: list[Segment] = []
            complete = False
            while data and not complete:
                size, _, data = data.partition(b"\r\n")
                count = len(pieces) + 1
                pieces.append((count, count, data[: int(size, 16)]))
                complete = size == b"0"
                data = data[int(size, 16) + 2 :]
            if fields[b"content-type"].startswith(b"text/event-stream"):
                coding = fields.get(b"content-encoding", b"").decode()
                decoder, parser = Decoder(coding, 1 << 20), SseParser()
                for piece in pieces:
                    if piece[2]:
                        parser.feed(decoder.feed([piece]))
                found.append((parser.finish(complete), parser, decoder))
    assert found
    return found


def capture_in(folder: Path) -> Path:
    return next(folder.glob("capture.pcap*"))


def of(golden: str, *real: str) -> pytest.MarkDecorator:
    """The test for a capture of the project, and for recordings where they are."""
    recorded = [pytest.param(RECORDINGS / name, marks=needs_recordings) for name in real]
    return pytest.mark.parametrize(
        "folder", [CAPTURES / golden, *recorded], ids=lambda folder: folder.name
    )


@of("healthy-sse", "02a-sse-plain", "02b-sse-gzip")
def test_healthy_streams_end_as_their_provider_ends_them(folder: Path) -> None:
    for stream, parser, decoder in event_streams(capture_in(folder)):
        assert stream.terminated
        assert (stream.malformed, stream.error) == (0, None)
        # The OpenAI SDK hangs up at [DONE], before the last chunk.
        assert not stream.truncated or parser.told.grammar == "openai-chat"
        assert parser.told.facts.model is not None
        assert (decoder.fault, decoder.finished) == (None, True)


def test_events_of_a_gzip_stream_arrive_one_by_one(real_captures: Path) -> None:
    coded = [
        (stream, decoder)
        for stream, _, decoder in event_streams(capture_in(real_captures / "02b-sse-gzip"))
        if decoder._layers
    ]
    assert coded
    for stream, _ in coded:
        assert stream.first_event_at is not None
        assert stream.last_event_at is not None
        assert stream.last_event_at - stream.first_event_at >= stream.events - 1


def test_two_mangled_events_are_told_by_how_they_broke() -> None:
    for stream, parser, _ in event_streams(capture_in(CAPTURES / "h3-upstream-bad-framing")):
        assert stream.malformed == 2
        assert [fault.name for fault in parser.told.faults] == [
            "sse-broken-line",
            "sse-broken-json",
        ]
        assert stream.terminated


def test_a_mangled_event_is_the_only_one_missing(real_captures: Path) -> None:
    for stream, parser, _ in event_streams(capture_in(real_captures / "06-sse-badframing")):
        assert stream.malformed == 1
        assert [fault.name for fault in parser.told.faults] == ["sse-broken-line"]
        assert stream.terminated
        assert stream.names["content_block_delta"] == 9  # of ten sent


@of("upstream-stream-reset", "06-sse-close")
def test_a_closed_stream_is_truncated_and_has_no_ending(folder: Path) -> None:
    for stream, parser, _ in event_streams(capture_in(folder)):
        assert stream.truncated
        assert not stream.terminated
        assert (stream.malformed, parser.told.grammar) == (0, "anthropic")
