"""The second reading hides what is left, wherever it stands, and never refuses a file."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from inspector import inspect
from inspector.cli.main import main
from inspector.credentials.masking import Masker
from inspector.pcap.reader import merged, open_captures
from inspector.pcap.writer import PcapngWriter
from inspector.redaction import Redactor, rereading
from inspector.wire import Batch
from tests.flows.build import Packet, Tcp, Wire

KEY = b"sk-ant-api03-LABONLY" + 73 * b"k" + b"AA"
PLAIN = b"a-word-like-no-other-LABONLY"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def asked(body: bytes = b"", key: bytes = KEY) -> bytes:
    head = b"POST /v1/messages HTTP/1.1\r\nX-Api-Key: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (key, len(body)) + body


def saved(folder: Path, packets: list[Packet]) -> Path:
    path = folder / "source.pcapng"
    with path.open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface()
        for packet in packets:
            writer.packet(packet.at, packet.frame, packet.wire)
    return path


def redacted(source: Path, *words: str) -> tuple[Path, str]:
    """By the command itself: the file that it left, and what it said."""
    target = source.with_name("shared.pcapng")
    run = CliRunner().invoke(main, ["redact", "--no-progress", *words, str(source), str(target)])
    assert run.exit_code == 0, run.output
    return target, run.output


def frames(path: Path) -> list[bytes]:
    batches = list(merged(open_captures([path])))
    return [b.data[at : at + size] for b in batches for _, at, size, _ in b.records]


def with_option(packet: Packet, value: bytes, *, ip: bool) -> Packet:
    """The packet with an IP or TCP option of kind 253, for experiments (RFC 4727, RFC 6994)."""
    frame = bytearray(packet.frame)
    option = (bytes((253, 2 + len(value))) + value).ljust(-(-(2 + len(value)) // 4) * 4, b"\0")
    at = 34 if ip else 54
    frame[at:at] = option
    struct.pack_into("!H", frame, 16, len(frame) - 14)
    if ip:
        frame[14] += len(option) // 4
    else:
        frame[46] += len(option) // 4 << 4
    return packet._replace(frame=bytes(frame), wire=len(frame))


PROMPTS = {
    "curl -H": rb'{"text":"curl -H \"Authorization: Bearer %s\" https://api.test/"}',
    "curl -v": b'{"text":"> Authorization: Bearer %s\\r\\n> Accept: */*"}',
    "curl -v, raw": b"> POST / HTTP/1.1\r\n> Authorization: Bearer %s\r\n> Accept: */*\r\n",
    "a header in JSON": rb'{"text":"{\"Authorization\":\"Bearer %s\"}"}',
    "a line": rb'{"text":"Authorization: Bearer %s\n"}',
    "an f-string": rb'{"text":"headers = {\"Authorization\": f\"Bearer %s\"}"}',
    "an environment": b"ANTHROPIC_API_KEY=%s\n",
}
VALUES = (
    KEY, b"$ANTHROPIC_API_KEY", b"YOUR_API_KEY_HERE", b"${OPENAI_API_KEY}", b"{os.environ['KEY']}",
    b"sk-ant-placeholder-key-for-credential-isolation", b"qwertzuiopasdfghjkl",
)  # fmt: skip


@pytest.mark.parametrize("words", [(), ("--keep-bodies",)], ids=["", "bodies kept"])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:18].decode())
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_a_prompt_with_the_documentation_of_an_api_is_no_reason_to_refuse(
    prompt: bytes, value: bytes, words: tuple[str, ...], tmp_path: Path
) -> None:
    tcp = Tcp().open().up(asked(prompt % value)).down(OK).close()
    source = saved(tmp_path, tcp.wire.packets)
    target, _ = redacted(source, *words)
    assert KEY[13:] not in target.read_bytes()
    told, before = inspect(target), inspect(source)
    assert [e.ended_by for e in told.exchanges] == ["complete"]
    assert len(frames(target)) == before.completeness.packets


def in_an_option(ip: bool) -> Callable[[], Wire]:
    def made() -> Wire:
        tcp = Tcp().open().up(asked(key=PLAIN)).down(OK).close()
        packets = tcp.wire.packets
        packets.append(with_option(packets[-1], PLAIN, ip=ip))
        return tcp.wire

    return made


def in_an_alert() -> Wire:
    tcp = Tcp().open().up(asked(key=PLAIN)).down(OK).close()
    other = Tcp(tcp.wire, client=("172.30.0.20", 41000)).open()
    record = b"\x15\x03\x03" + struct.pack("!H", len(PLAIN)) + PLAIN
    other.up(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00" + record).close()
    return tcp.wire


def in_a_body_that_cannot_be() -> Wire:
    answer = b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(PLAIN) + PLAIN
    return Tcp().open().up(asked(key=PLAIN)).down(answer).close().wire


def in_a_name_of_gzip() -> Wire:
    packed = io.BytesIO()
    with gzip.GzipFile(PLAIN.decode(), "wb", fileobj=packed) as out:
        out.write(b'{"text":"words"}')
    body = packed.getvalue()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    return Tcp().open().up(asked(key=PLAIN)).down(head + body).close().wire


def in_segments_that_differ() -> Wire:
    wire = Tcp().open().up(asked(key=PLAIN)).down(OK).close().wire
    data = asked(b'{"a":"' + PLAIN + b'"}')
    tcp = Tcp(wire, client=("172.30.0.20", 41000)).open()
    tcp.up(data[80:220], offset=80).up(PLAIN + PLAIN, offset=60).up(data[:90], offset=0)
    return tcp.up(data[200:], offset=200).down(OK).close().wire


def in_an_unknown_protocol() -> Wire:
    tcp = Tcp().open().up(asked(key=PLAIN)).down(OK).close()
    frame = bytes(12) + b"\x88\xb5" + PLAIN
    tcp.wire.packets.append(Packet(tcp.wire.now + 1, frame, len(frame)))
    return tcp.wire


def before_it_was_sent() -> Wire:
    body = b'{"error":"not a key: %s"}' % PLAIN
    answer = b"HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    tcp = Tcp().open().up(b"GET /v1/models HTTP/1.1\r\nHost: lab.test\r\n\r\n")
    tcp.down(answer % len(body) + body)
    return tcp.up(asked(key=PLAIN)).down(OK).close().wire


@pytest.mark.parametrize(
    "made",
    [
        in_an_option(ip=False), in_an_option(ip=True), in_an_alert, in_a_body_that_cannot_be,
        in_a_name_of_gzip, in_segments_that_differ, in_an_unknown_protocol, before_it_was_sent,
    ],
    ids=[
        "TCP option", "IP option", "TLS alert", "body of a 204", "gzip's FNAME", "segments",
        "unknown protocol", "before it is sent",
    ],
)  # fmt: skip
def test_a_key_that_was_met_stands_nowhere_in_the_file(
    made: Callable[[], Wire], tmp_path: Path
) -> None:
    source = saved(tmp_path, made().packets)
    assert PLAIN in source.read_bytes()
    target, _ = redacted(source)
    assert PLAIN not in target.read_bytes()
    assert list(map(len, frames(target))) == list(map(len, frames(source)))


def test_the_changes_are_counted_in_the_message_and_in_the_file(tmp_path: Path) -> None:
    target, said = redacted(saved(tmp_path, in_segments_that_differ().packets))
    assert "1 more change when the result was read again" in said
    assert b"Redacted by inspector; read again, 1 change made. " in target.read_bytes()


def test_a_file_in_which_nothing_was_left_says_so(tmp_path: Path) -> None:
    tcp = Tcp().open().up(asked()).down(OK).close()
    target, said = redacted(saved(tmp_path, tcp.wire.packets))
    assert "read again" not in said
    assert b"Redacted by inspector; read again, 0 changes made. " in target.read_bytes()


def test_comments_names_and_filters_are_read_again(tmp_path: Path) -> None:
    tcp = Tcp().open().up(asked(key=PLAIN)).down(OK).close()
    path = tmp_path / "source.pcapng"
    with path.open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface(name="eth-" + PLAIN.decode(), filter="host " + PLAIN.decode())
        for packet in tcp.wire.packets:
            writer.packet(packet.at, packet.frame, comments=["seen: " + PLAIN.decode()])
    target, _ = redacted(path)
    assert PLAIN not in target.read_bytes()
    assert b"seen: " not in target.read_bytes()
    [reader] = open_captures([target])
    assert len([*reader]) == 1
    assert reader.interfaces[0].name is not None
    assert len(reader.interfaces[0].name) == len("eth-" + PLAIN.decode())


def test_what_a_bug_left_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Redactor.feed

    def lazy(self: Redactor, batch: Batch) -> Iterator[Batch]:
        return feed(self, batch) if self.masker.checking else iter((batch,))

    monkeypatch.setattr(Redactor, "feed", lazy)
    tcp = Tcp().open().up(asked()).down(OK).close()
    target, said = redacted(saved(tmp_path, tcp.wire.packets))
    assert b"LABONLY" not in target.read_bytes()
    assert b"X-Api-Key: sk-ant-api03-xxxx" in target.read_bytes()
    assert "1 more change when" in said


def test_a_packet_that_changes_at_every_reading_is_blanked_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Masker.text

    def restless(self: Masker, value: str) -> str:
        if not self.checking:
            return text(self, value)
        old, new = ("restless", "RESTLESS") if "restless" in value else ("RESTLESS", "restless")
        return text(self, value).replace(old, new)

    monkeypatch.setattr(Masker, "text", restless)
    tcp = Tcp().open().up(asked(b'{"text":"a word so restless","b":1}')).down(OK).close()
    target, said = redacted(saved(tmp_path, tcp.wire.packets), "--keep-bodies")
    assert b'{"text":"a word so ' + b"x" * 16 in target.read_bytes()
    assert f"{rereading.MASKING + 1} more changes" in said


def test_readings_end_though_everything_changes_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[Any] = []
    run = rereading._Reading.run

    def counted(self: Any, files: Any) -> None:
        readings.append(self)
        run(self, files)

    def flipped(self: Masker, value: str) -> str:
        return value.translate({120: 121, 121: 120}) if self.checking else value

    monkeypatch.setattr(rereading._Reading, "run", counted)
    monkeypatch.setattr(Masker, "text", flipped)
    tcp = Tcp().open().up(asked(b"xyxyxyx")).down(OK).close()
    target, said = redacted(saved(tmp_path, tcp.wire.packets), "--keep-bodies")
    assert len(readings) == rereading.MASKING + rereading.BLANKING
    assert "more changes" in said
    assert len(frames(target)) == len(tcp.wire.packets)


def test_a_reading_that_is_told_to_end_says_that_it_did() -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out, comments=[rereading.promise()])
    writer.interface()
    writer.packet(1, Tcp().open().up(asked()).wire.packets[-1].frame)
    told = rereading.reread([out], Masker(b"lab"), go_on=lambda: False)
    assert (told.finished, told.sentence) == (False, "read again in part, 1 change made")
    assert b"Redacted by inspector; read again in part, 1 change made." in out.getvalue()
