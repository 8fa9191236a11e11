"""One function of bytes for each parser and file format: nothing but its own errors may come out.

A target takes what a fuzzer made, cut into pieces where its parser takes pieces (the first byte
says how long they are). Its seeds are in `corpus/NAME/`; `python -m tests.fuzz.targets` makes them
anew.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

from inspector.credentials.scrubbing import Scrubber
from inspector.decryption.keystore import Keystore
from inspector.errors import InspectorError
from inspector.exchanges import marks, processes
from inspector.executables.elf import ElfImage, UnreadableProgram
from inspector.executables.key_log import find_key_log
from inspector.flows.decode import SlowDecoder
from inspector.inspection import Inspector, Sources
from inspector.options import Options
from inspector.pcap.reader import CaptureReader
from inspector.pcap.source import ByteSource
from inspector.policy.judge import judge
from inspector.policy.reading import read_policy
from inspector.protocols.api import read_json_body
from inspector.protocols.content import Decoder
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.http2 import Http2Frames
from inspector.protocols.http2_fields import FieldReader
from inspector.protocols.json_tokens import JsonTokens
from inspector.protocols.messages import EVERYTHING
from inspector.protocols.pages import author_of
from inspector.protocols.sse import SseParser
from inspector.protocols.tls import TlsConversation
from inspector.protocols.websocket import MessageReader
from inspector.protocols.x509 import read_certificate
from inspector.redaction import Redactor
from inspector.report.formats.stored import parse_report
from inspector.report.formats.whole import as_json
from inspector.report.page.terminal import render
from inspector.wire import Segment
from inspector.witnesses import lines
from inspector.witnesses.manifest import read_manifest
from tests.exchanges.network import FINGERPRINT_KEY, Network, request, response
from tests.flows.build import batch

CORPUS: Final = Path(__file__).with_name("corpus")
ROOT: Final = Path(__file__).parents[2]
#: Longest seed: a small corpus is read by each run of the tests.
_LONGEST: Final = 6_000
_CODINGS: Final = ("gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip", "identity", "lab")
_LINKS: Final = (1, 0, 101, 113, 276, 12, 127, 105, 9, 228, 229, 147)


class Target(NamedTuple):
    """What is fuzzed, and its own errors, which it may raise."""

    run: Callable[[bytes], object]
    errors: tuple[type[Exception], ...] = ()


def pieces(data: bytes) -> tuple[list[Segment], int]:
    """The bytes behind the first one, in pieces; and that byte."""
    how, rest = data[0] if data else 0, data[1:]
    size = (1, 2, 7, 40, 1448, 1 << 16)[how % 6]
    cut = range(0, len(rest), size)
    return [(at, at + 1, rest[at : at + size]) for at in cut], how


# -- readers of the wire ---------------------------------------------------------------------------


def http1(data: bytes) -> None:
    segments, how = pieces(data)
    parser = Http1Parser(
        "response" if how & 64 else "request",
        wants_body=lambda _: EVERYTHING,
        midstream=bool(how & 128),
        places=True,
    )
    for each in segments:
        parser.receive([each])
    parser.close(len(segments), len(segments), clean=not how & 32)


def sse(data: bytes) -> None:
    segments, _ = pieces(data)
    parser = SseParser()
    for each in segments:
        parser.feed([each])
    parser.finish(True)


def websocket(data: bytes) -> None:
    segments, how = pieces(data)
    reader = MessageReader(0 if how & 64 else None)
    for each in segments:
        reader.feed([each])


def http2(data: bytes) -> None:
    segments, how = pieces(data)
    frames = Http2Frames(is_client=bool(how & 64), midstream=bool(how & 128), places=True)
    for each in segments:
        frames.receive([each])


def hpack(data: bytes) -> None:
    reader = FieldReader(midstream=bool(data[:1] > b"\x80"))
    for block in data[1:].split(b"\xff\xff"):
        reader.read(block)


def tls(data: bytes) -> None:
    segments, how = pieces(data)
    conversation = TlsConversation()
    for number, each in enumerate(segments):
        conversation.receive(bool((number >> how % 5) & 1), [each])
    conversation.close(True, 0, 1, bool(how & 64))


def content(data: bytes) -> None:
    segments, how = pieces(data)
    decoder = Decoder(_CODINGS[how >> 3 & 7], 1 << 18)
    for each in segments:
        decoder.feed([each])
    decoder.finish()


def json_tokens(data: bytes) -> None:
    segments, _ = pieces(data)
    tokens = JsonTokens()
    for _, _, piece in segments:
        tokens.feed(piece)
    tokens.finish()
    read_json_body(data[1:], 401)
    author_of(data[1:])


def talk(data: bytes) -> None:
    """Both directions of a connection through all layers, into report, page and copy."""
    net = Network()
    tcp = net.to_api_proxy() if data[:1] < b"\x80" else net.to_squid()
    for number, flight in enumerate(data[1:].split(b"\x00\xff\x00")):
        tcp.send(number % 2 == 0, flight)
        tcp.ack(number % 2 == 1)
    tcp.close()
    inspector = Inspector(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))
    inspector.feed(batch(net.wire.packets))
    report = inspector.finish(Sources())
    as_json(report)
    render(report, width=100, verbosity=1)
    _no_fault_of_ours([odd.name for odd in report.oddities])
    redactor = Redactor()
    for _ in (*redactor.feed(batch(net.wire.packets)), *redactor.finish()):
        pass
    _no_fault_of_ours(list(redactor.summary.blanked))


def _no_fault_of_ours(names: list[str]) -> None:
    if "internal-error" in names:
        raise AssertionError("internal-error")


# -- files -----------------------------------------------------------------------------------------


def capture(data: bytes) -> None:
    """Any capture file, into a report."""
    inspector = Inspector(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))
    for each in CaptureReader(ByteSource(BytesIO(data)), "fuzzed", 0):
        inspector.feed(each)
    report = inspector.finish(Sources())
    as_json(report)
    _no_fault_of_ours([odd.name for odd in report.oddities])


def frame(data: bytes) -> None:
    """A frame of a link type, and fragments of what is in it."""
    decoder = SlowDecoder()
    link = _LINKS[data[0] % len(_LINKS)] if data else 1
    for number, each in enumerate(data[1:].split(b"\xfe\xed")):
        decoder.decode(link, each, 0, len(each), len(each) + number, number)
    decoder.close()


def report(data: bytes) -> None:
    """A stored report: shown, written again, judged."""
    read = parse_report(data, "fuzzed")
    render(read, width=100, verbosity=1)
    as_json(read)
    judge(read, read_policy("awf"), date(2026, 11, 29))


def _in_file(read: Callable[[Path], object]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        with tempfile.NamedTemporaryFile(suffix=".toml") as file:
            file.write(data)
            file.flush()
            read(Path(file.name))

    return run


def _topology(path: Path) -> None:
    Options(topology_file=path).roles()


def log(data: bytes) -> None:
    """Lines of Squid and of the API proxy, and the firewall's rules."""
    for _ in lines.read(data.splitlines(keepends=True)):
        pass
    read_manifest(data.splitlines(keepends=True))


def key_log(data: bytes) -> None:
    Keystore().read(data.splitlines(), "keylog")


def notes(data: bytes) -> None:
    """What a capture says of itself: marks, and comments with processes."""
    for each in data.split(b"\x00"):
        marks.read(each)
        processes.parse(each.decode("utf-8", "replace"))


def text(data: bytes) -> None:
    """Text that a report may show."""
    scrubber = Scrubber(FINGERPRINT_KEY)
    scrubber.scrub(data.decode("latin-1"))
    scrubber.scrub(data.decode("utf-8", "replace"))


def program(data: bytes) -> None:
    """An ELF file in which the place for a probe is looked for."""
    find_key_log(ElfImage(lambda at, size: data[at : at + size]))


TARGETS: Final[dict[str, Target]] = {
    "capture": Target(capture, (InspectorError,)),
    "certificate": Target(read_certificate),
    "content": Target(content),
    "frame": Target(frame),
    "hpack": Target(hpack),
    "http1": Target(http1),
    "http2": Target(http2),
    "json": Target(json_tokens),
    "keylog": Target(key_log),
    "log": Target(log),
    "notes": Target(notes),
    "policy": Target(_in_file(read_policy), (InspectorError,)),
    "program": Target(program, (UnreadableProgram,)),
    "report": Target(report, (InspectorError,)),
    "sse": Target(sse),
    "talk": Target(talk),
    "text": Target(text),
    "tls": Target(tls),
    "topology": Target(_in_file(_topology), (InspectorError,)),
    "websocket": Target(websocket),
}


def run(name: str, data: bytes) -> None:
    """One input; raises whatever the target may not raise."""
    target = TARGETS[name]
    with contextlib.suppress(*target.errors):
        target.run(data)


# -- the corpus ------------------------------------------------------------------------------------


def seeds() -> Iterator[tuple[str, str, bytes]]:
    """(target, name, bytes): made of the tests' own conversations and of golden captures."""
    import ssl

    import trustme

    from tests.executables.build import Elf
    from tests.fuzz.talks import TALKS, key_of

    asked = request("POST /v1/messages HTTP/1.1", "x-api-key: made-up", body=b'{"a":[1,"b"]}')
    chunked = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"
    )
    yield "http1", "request", b"\x04" + asked
    yield "http1", "answer", b"\x44" + response("401 Unauthorized", body=b"no")
    yield "http1", "chunked", b"\x41" + chunked
    yield "http1", "connect", b"\x04CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n"
    events = b'event: message_start\ndata: {"type":"message_start"}\n\ndata: [DONE]\r\n\r\n: c\r'
    yield "sse", "events", b"\x02" + events
    yield "json", "error", b'\x03{"type":"error","error":{"message":"no \\u0041","n":-1.5e3}}'
    yield "json", "page", b'\x04<html><body id="ERR_ACCESS_DENIED">Squid</body></html>'
    for number, name in enumerate(_CODINGS[:2]):
        data = gzip.compress(events, mtime=0) if name == "gzip" else zlib.compress(events)
        yield "content", name, bytes([number << 3 | 2]) + data
    for name, make in TALKS.items():
        flights = make(key_of("LABONLY" * 11 + "LAB")).flights
        short = name.replace(", ", "-").replace(" ", "-")
        whole = b"\x00" + b"\x00\xff\x00".join(data for _, data in flights)
        yield "talk", short, whole
        both = b"".join(data for _, data in flights)
        kind = name.partition(",")[0]
        if kind in ("websocket", "http2", "tls"):
            data = b"".join(data for up, data in flights[2:] if up) if kind != "tls" else both
            yield kind, short, (b"\x44" if kind == "http2" else b"\x04") + data
    yield "talk", "http1", b"\x00" + b"\x00\xff\x00".join((asked, chunked, asked, chunked))
    yield "hpack", "block", b"\x00\x82\x86\x84\x41\x0fwww.example.com\xff\xff\x82\xbe"
    folder = ROOT / "captures" / "h4-401-inside-tunnel"
    golden = (folder / "capture.pcapng").read_bytes()
    yield "capture", "pcapng", golden[:_LONGEST]
    yield "capture", "gzip", gzip.compress(golden[:_LONGEST], mtime=0)
    header = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
    net = Network()
    net.to_api_proxy().up(asked).down(chunked).close()
    frames = batch(net.wire.packets)
    records = b"".join(
        (at // 10**9).to_bytes(4, "little")
        + (at % 10**9 // 1000).to_bytes(4, "little")
        + size.to_bytes(4, "little") * 2
        + frames.data[start : start + size]
        for at, start, size, _ in frames.records
    )
    yield "capture", "pcap", header + records
    yield "frame", "tcp", b"\x00" + frames.data[: frames.records[0][2]]
    yield "log", "squid", (folder / "access.log").read_bytes()[:2000]
    yield "log", "api-proxy", (folder / "api-proxy.jsonl").read_bytes()[:2000]
    yield "log", "manifest", b'{"version":1,"rules":[{"action":"allow","domain":"a.example"}]}\n'
    yield "keylog", "keys", (folder / "keys.log").read_bytes()[:1500]
    yield "policy", "awf", (ROOT / "inspector" / "policy" / "awf.toml").read_bytes()[:_LONGEST]
    for path in sorted((ROOT / "inspector" / "presets").glob("*.toml")):
        yield "topology", path.stem, path.read_bytes()[:_LONGEST]
    yield "report", "example", (ROOT / "docs" / "example-report.json").read_bytes()
    claim = b'{"client":"1.2.3.4:1","server":"1.2.3.5:2","end":"client","at":1,"pid":2,"comm":"c"}'
    yield "notes", "process", b"inspector:process " + claim
    yield "notes", "copied", marks.written_copied(marks.Copied(True, False))
    yield (
        "program",
        "library",
        Elf({"ssl_log_secret": b"\xc3", "SSL_get_client_random": b"\xc3"}).data(),
    )
    authority = trustme.CA().cert_pem.bytes()
    yield "certificate", "authority", ssl.PEM_cert_to_DER_cert(authority.decode())
    yield "text", "key", b'no key sk-ant-api03-LABONLY%2FaGVsbG8= in "Bearer abc" \\u0041'


def write() -> None:
    """Write the corpus anew."""
    shutil.rmtree(CORPUS, ignore_errors=True)
    for target, name, data in seeds():
        place = CORPUS / target
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data[:_LONGEST] if target != "report" else data)


def corpus(name: str) -> dict[str, bytes]:
    """The seeds of a target that are in the repository."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).glob("*"))}


if __name__ == "__main__":
    write()
    print(json.dumps({name: len(corpus(name)) for name in TARGETS}))
