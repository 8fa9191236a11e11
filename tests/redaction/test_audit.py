"""The audit hides what is left, wherever it stands, says so, and never refuses a file."""

from __future__ import annotations

import base64
import gzip
import io
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector import inspect
from inspector.cli.main import main
from inspector.pcap.reader import merged, open_captures
from inspector.pcap.writer import PcapngWriter
from inspector.redaction import Audited, Redactor, audit, promise, redact_into
from inspector.secret import Secret
from inspector.secrets.vault import Vault
from inspector.wire import Batch
from tests.flows.build import Packet, Tcp, Wire
from tests.growth import steps

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


def test_what_a_bug_left_is_blanked_and_counted_in_the_message_and_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, finish = Redactor.feed, Redactor.finish

    def lazy(self: Redactor, batch: Batch) -> Iterator[Batch]:
        list(feed(self, batch))
        yield batch

    monkeypatch.setattr(Redactor, "feed", lazy)
    monkeypatch.setattr(Redactor, "finish", lambda self: iter(list(finish(self))[:0]))
    tcp = Tcp().open().up(asked(key=PLAIN)).down(OK).close()
    target, said = redacted(saved(tmp_path, tcp.wire.packets))
    assert PLAIN not in target.read_bytes()
    assert "the audit blanked 1 places that held a credential" in said
    assert b"Redacted by inspector; audited against its source, 1 place blanked. " in (
        target.read_bytes()
    )


def test_the_same_is_said_of_a_copy_beside_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, finish = Redactor.feed, Redactor.finish

    def lazy(self: Redactor, batch: Batch) -> Iterator[Batch]:
        list(feed(self, batch))
        yield batch

    monkeypatch.setattr(Redactor, "feed", lazy)
    monkeypatch.setattr(Redactor, "finish", lambda self: iter(list(finish(self))[:0]))
    tcp = Tcp().open().up(asked(key=PLAIN)).down(OK).close()
    source = saved(tmp_path, tcp.wire.packets)
    done = CliRunner().invoke(main, ["analyze", "-o", str(tmp_path / "left"), str(source)])
    assert "inspector: the audit blanked 1 places that held a credential\n" in done.stderr


def test_a_file_in_which_nothing_was_left_says_so(tmp_path: Path) -> None:
    tcp = Tcp().open().up(asked()).down(OK).close()
    target, said = redacted(saved(tmp_path, tcp.wire.packets))
    assert "audit" not in said
    assert b"Redacted by inspector; audited against its source, 0 places blanked. " in (
        target.read_bytes()
    )


def test_comments_names_and_filters_are_audited(tmp_path: Path) -> None:
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


# -- copies that were changed --------------------------------------------------------------

DECODED = asked(b'{"stream":true}', PLAIN)


def copied(packets: list[Packet], *, comments: Sequence[str] = ()) -> io.BytesIO:
    """A copy as a writer leaves it, with whatever bug it has."""
    out = io.BytesIO()
    writer = PcapngWriter(out, comments=[promise()])
    writer.interface()
    for packet in packets:
        writer.packet(packet.at, packet.frame, packet.wire, comments=comments)
    return out


def batches(packets: list[Packet]) -> list[Batch]:
    """What was captured."""
    data = b"".join(packet.frame for packet in packets)
    records, at = [], 0
    for packet in packets:
        records.append((packet.at, at, len(packet.frame), packet.wire))
        at += len(packet.frame)
    return [Batch(data, records, 1, 1)]


def knowing(*keys: bytes) -> Vault:
    vault = Vault(b"made up")
    for key in keys:
        vault.learn(Secret(key))
    return vault


def conversation() -> list[Packet]:
    return Tcp().open().up(asked(b'{"stream":true}', b"k")).down(OK).close().wire.packets


def changed(packets: list[Packet], number: int, change: Callable[[bytes], bytes]) -> list[Packet]:
    packets = list(packets)
    packets[number] = packets[number]._replace(frame=change(packets[number].frame))
    return packets


def test_of_an_honest_copy_there_is_nothing_to_say() -> None:
    packets = conversation()
    masked = changed(packets, 3, lambda frame: frame.replace(b"true", b"xxxx"))
    out = copied(masked)
    before = out.getvalue()
    assert audit([out], knowing(PLAIN), source=batches(packets)) == Audited(
        compared=True, finished=True
    )
    assert out.getvalue().replace(b"audited against its source", b"") != before
    assert [f for *_, f in sorted(p for p in masked)] == [f for *_, f in sorted(p for p in masked)]


def test_a_byte_that_was_neither_captured_nor_a_mask_is_blanked() -> None:
    packets = conversation()
    out = copied(changed(packets, 3, lambda frame: frame.replace(b"stream", b"strbam")))
    found = audit([out], knowing(PLAIN), source=batches(packets))
    assert (found.foreign, found.keys, found.unlike) == (1, 0, 0)
    assert b'{"strxam":true}' in out.getvalue()


def test_a_body_that_was_coded_anew_is_foreign_by_right() -> None:
    packets = conversation()
    out = copied(changed(packets, 3, lambda frame: frame.replace(b"stream", b"strbam")))
    found = audit([out], knowing(PLAIN), source=batches(packets), recoded={4})
    assert found.foreign == 0
    assert b'{"strbam":true}' in out.getvalue()


def test_a_packet_of_another_length_is_said_and_blanked() -> None:
    packets = conversation()
    out = copied(changed(packets, 3, lambda frame: frame + b"more"))
    found = audit([out], knowing(PLAIN), source=batches(packets))
    assert found.unlike == 1
    assert b"stream" not in out.getvalue()


def test_a_packet_of_another_time_or_length_on_the_wire_is_said() -> None:
    packets = conversation()
    other = list(packets)
    other[2] = other[2]._replace(at=other[2].at + 1)
    other[4] = other[4]._replace(wire=other[4].wire + 1)
    assert audit([copied(other)], knowing(), source=batches(packets)).unlike == 2


@pytest.mark.parametrize("lacking", [1, 3])
def test_packets_that_one_of_the_two_lacks_are_said(lacking: int) -> None:
    packets = conversation()
    assert audit([copied(packets[:-lacking])], knowing(), source=batches(packets)).unlike == lacking
    assert audit([copied(packets)], knowing(), source=batches(packets[:-lacking])).unlike == lacking


def test_without_what_was_captured_credentials_are_looked_for_and_nothing_else() -> None:
    packets = conversation()
    out = copied(changed(packets, 3, lambda frame: frame.replace(b"stream", b"strbam")))
    found = audit([out], knowing(PLAIN))
    assert found == Audited(finished=True)
    assert b"audited without its source, 0 places blanked." in out.getvalue()
    out = copied(Tcp().open().up(DECODED).wire.packets)
    assert audit([out], knowing(PLAIN)).keys == 1
    assert PLAIN not in out.getvalue()


WRITINGS = {
    "plain": lambda key: key,
    "percent": lambda key: b"".join(b"%%%02X" % byte for byte in key),
    "base64": base64.b64encode,
    "hex": lambda key: key.hex().encode(),
    "JSON": lambda key: b"".join(b"\\u%04x" % byte for byte in key),
}


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
def test_in_a_packet_a_credential_is_found_in_any_writing(write: Callable[[bytes], bytes]) -> None:
    out = copied(Tcp().open().up(asked(b'{"a":"%s"}' % write(PLAIN), b"k")).wire.packets)
    assert audit([out], knowing(PLAIN)).keys == 1
    assert b'{"a":"xxx' in out.getvalue()
    assert write(PLAIN) not in out.getvalue()


def test_work_and_memory_grow_with_the_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0
    spans, is_clear = Vault.spans, Vault.is_clear

    def counting(self: Vault, text: bytes) -> list[tuple[int, int]]:
        nonlocal counted
        counted += len(text)
        return spans(self, text)

    def glancing(self: Vault, text: bytes, writings: Callable[[bytes], Iterable[bytes]]) -> bool:
        nonlocal counted
        counted += sum(map(len, writings(text)))
        return is_clear(self, text, writings)

    monkeypatch.setattr(Vault, "spans", counting)
    monkeypatch.setattr(Vault, "is_clear", glancing)
    work = []
    for count in (100, 200, 400):
        tcp = Tcp().open()
        for number in range(count):
            tcp.up(b"word %d " % number)
        counted = 0
        audit([copied(tcp.wire.packets)], knowing(PLAIN), source=batches(tcp.wire.packets))
        work.append(counted)
    assert work[1] <= 2.1 * work[0]
    assert work[2] <= 2.1 * work[1]


def test_masks_are_little_work_for_a_key_that_is_filled_as_they_are() -> None:
    tcp = Tcp().open()
    for _ in range(20):
        tcp.up(b'{"text":"' + 1000 * b"x" + b'"}')
    out = copied(tcp.wire.packets)
    source = batches(tcp.wire.packets)

    def work(key: bytes) -> int:
        def look() -> None:
            assert audit([out], knowing(key), source=source).keys == 0

        look()
        return steps(look)

    # Some lines for each of the masks, and not for each of their 20,000 bytes.
    assert work(b"sk-proj-LABONLY" + 40 * b"x") < work(b"sk-proj-LABONLY5x7QpZr9TnW2") + 20 * 500


def test_an_audit_that_is_told_to_end_says_that_it_did() -> None:
    out = copied(Tcp().open().up(asked(key=PLAIN)).wire.packets)
    found = audit([out], knowing(PLAIN), go_on=lambda: False)
    assert (found.finished, found.sentence) == (False, "audited in part, 1 place blanked")
    assert b"Redacted by inspector; audited in part, 1 place blanked." in out.getvalue()


def test_what_can_be_read_but_once_is_audited_for_credentials_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    source = saved(tmp_path, before_it_was_sent().packets)
    target = tmp_path / "shared.pcapng"
    with source.open("rb") as standard, source.open("rb") as text:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(standard))
        with target.open("w+b") as out:
            summary = redact_into("-", out)
        del text
    assert summary.audit is not None
    assert (summary.audit.compared, summary.audit.finished) == (False, True)
    assert PLAIN not in target.read_bytes()
