"""Malformed captures: cut at every offset, with flipped bits, with lying lengths.

    python -m tests.malformed.make DIRECTORY

writes them all (some fifteen thousand small files); the tests take them from
memory.  The same call gives the same bytes.
"""

from __future__ import annotations

import random
import re
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.wire import PCAP_HEADER, Rendered
from tests.malformed.seeds import CONTAINERS, RECORD_HEADER, SEEDS, as_pcap, as_pcapng

#: Offsets within a frame: Ethernet (14), IPv4 without options (20), TCP.
IP_VERSION, IP_LENGTH, IP_FRAGMENT, IP_PROTOCOL = 14, 16, 20, 23
TCP_SEQUENCE, TCP_ACKNOWLEDGMENT, TCP_OFFSET, TCP_FLAGS, TCP_OPTIONS = 38, 42, 46, 47, 54

U16_LIES: Final = (0, 1, 19, 20, 21, 39, 40, 51, 52, 53, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
U32_LIES: Final = (0, 1, 11, 12, 15, 16, 0x40000, 0x40001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Case(NamedTuple):
    """One malformed capture; `name` says how it was made and ends as its file would."""

    name: str
    data: bytes


#: Of the larger seeds, whose bytes are much alike, every so manieth byte is tried.
STRIDES: Final = {"exchange": 1, "stream": 5, "tunnel": 11}


def truncations() -> Iterator[Case]:
    """Every file of every seed, cut before each of its bytes (the smallest) or of many."""
    for story, make in SEEDS.items():
        for container, pack in CONTAINERS.items():
            whole = pack(make())
            for length in range(0, len(whole), STRIDES[story]):
                yield Case(f"cut-{story}-{length}.{container}", whole[:length])


def bit_flips(seed: int = 1) -> Iterator[Case]:
    """One bit flipped in each such byte of the uncompressed seeds; bursts in all containers."""
    rng = random.Random(seed)
    for story, make in SEEDS.items():
        for container, pack in CONTAINERS.items():
            whole = pack(make())
            if container != "pcap.gz":
                for offset in range(0, len(whole), STRIDES[story]):
                    flipped = bytearray(whole)
                    flipped[offset] ^= 1 << rng.randrange(8)
                    yield Case(f"flip-{story}-{offset}.{container}", bytes(flipped))
            for number in range(150):
                burst = bytearray(whole)
                for _ in range(rng.choice((2, 8, 32))):
                    burst[rng.randrange(len(burst))] = rng.randrange(256)
                yield Case(f"burst-{story}-{number}.{container}", bytes(burst))


def lying_lengths() -> Iterator[Case]:
    """Lengths that say too little, too much, or what cannot be, on every layer."""
    yield from _lying_records()
    yield from _lying_blocks()
    yield from _lying_frames()
    yield from _lying_messages()


def scrambled(seed: int = 2) -> Iterator[Case]:
    """Whole packets dropped, doubled and in any order: well-formed files, odd traffic."""
    rng = random.Random(seed)
    for story, make in SEEDS.items():
        records = [record for _, record in make()]
        for number in range(150):
            chosen = rng.choices(records, k=rng.randrange(1, 2 * len(records)))
            yield Case(f"scrambled-{story}-{number}.pcap", PCAP_HEADER + b"".join(chosen))


FAMILIES: Final[Mapping[str, Callable[[], Iterator[Case]]]] = {
    "truncations": truncations,
    "bit flips": bit_flips,
    "lying lengths": lying_lengths,
    "scrambled packets": scrambled,
}


# --- lies of the container --------------------------------------------------


def _lying_records() -> Iterator[Case]:
    """pcap: each field of the file header and of each record header."""
    for story, make in SEEDS.items():
        whole = as_pcap(make())
        for offset in range(0, len(PCAP_HEADER), 4):
            for lie in U32_LIES:
                data = _with(whole, offset, "<I", lie)
                yield Case(f"pcap-header-{story}-{offset}-{lie:x}.pcap", data)
        start = len(PCAP_HEADER)
        while start < len(whole):
            (captured,) = struct.unpack_from("<I", whole, start + 8)
            for field in (8, 12):
                for lie in (*U32_LIES, captured - 1, captured + 1, captured + 16):
                    data = _with(whole, start + field, "<I", lie)
                    yield Case(f"record-{story}-{start + field}-{lie:x}.pcap", data)
            start += RECORD_HEADER + captured


def _lying_blocks() -> Iterator[Case]:
    """pcapng: each block's lengths, and every 16 and 32 bits of the rarer blocks' bodies."""
    whole = as_pcapng(SEEDS["exchange"]())
    start = packets = 0
    while start < len(whole):
        kind, size = struct.unpack_from("<II", whole, start)
        fields = [start, start + 4, start + size - 4]
        if kind != 6 or packets < 2 or packets == 3:
            fields += range(start + 8, min(start + size - 4, start + 60), 4)
        packets += kind == 6
        for field in dict.fromkeys(fields):
            for lie in (*U32_LIES, size - 4, size + 4, size - 1):
                yield Case(f"block-{field}-{lie:x}.pcapng", _with(whole, field, "<I", lie))
            for lie in (0, 1, 2, 9, 0xFF, 0x7FFF, 0xFFFF):
                name = f"option-{field + 2}-{lie:x}.pcapng"
                yield Case(name, _with(whole, field + 2, "<H", lie))
        start += size
    header = b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00"
    for lie in (-2, 0, 1, 2**63 - 1, -(2**63)):
        data = header + struct.pack("<q", lie) + whole[4:8] + whole[28:]
        yield Case(f"section-length-{lie}.pcapng", data)


# --- lies of the packets ----------------------------------------------------


def _lying_frames() -> Iterator[Case]:
    """IPv4 and TCP header fields, in each packet of each seed alone and in all of them."""
    for story, make in SEEDS.items():
        records = [record for _, record in make()]
        for name, offset, form, lies in _HEADER_LIES:
            for lie in lies:
                lied = [_with_in_frame(record, offset, form, lie) for record in records]
                yield Case(f"{name}-{story}-all-{lie:x}.pcap", PCAP_HEADER + b"".join(lied))
                for index in range(3, min(len(records), 9)):
                    mixed = [*records[:index], lied[index], *records[index + 1 :]]
                    data = PCAP_HEADER + b"".join(mixed)
                    yield Case(f"{name}-{story}-{index}-{lie:x}.pcap", data)


_HEADER_LIES: Final[Sequence[tuple[str, int, str, Sequence[int]]]] = (
    ("ip-version", IP_VERSION, "!B", (0x00, 0x40, 0x44, 0x46, 0x4F, 0x60, 0xFF)),
    ("ip-length", IP_LENGTH, "!H", U16_LIES),
    ("ip-fragment", IP_FRAGMENT, "!H", (0x2000, 0x2001, 0x0001, 0x1FFF, 0x3FFF, 0xFFFF)),
    ("ip-protocol", IP_PROTOCOL, "!B", (0, 1, 4, 17, 41, 47, 50, 51, 132, 255)),
    ("ethertype", 12, "!H", (0, 46, 1500, 0x8100, 0x86DD, 0x8847, 0x8864, 0x88A8, 0xFFFF)),
    ("tcp-sequence", TCP_SEQUENCE, "!I", U32_LIES),
    ("tcp-acknowledgment", TCP_ACKNOWLEDGMENT, "!I", U32_LIES),
    ("tcp-offset", TCP_OFFSET, "!B", (0x00, 0x10, 0x40, 0x50, 0x60, 0xF0, 0xFF)),
    ("tcp-flags", TCP_FLAGS, "!B", (0x00, 0x02, 0x03, 0x04, 0x12, 0x29, 0xFF)),
    ("tcp-option", TCP_OPTIONS, "!H", (0x0000, 0x0500, 0x0501, 0x05FF, 0x08FF, 0xFFFF)),
)


# --- lies of the messages ---------------------------------------------------


def _lying_messages() -> Iterator[Case]:
    """Replacements inside TCP payloads; the sequence numbers follow the new lengths."""
    for story, make in SEEDS.items():
        records = make()
        for lie, (pattern, replacements) in enumerate(_MESSAGE_LIES):
            for number, replacement in enumerate(replacements):
                data, found = _rewritten(records, re.compile(pattern, re.DOTALL), replacement)
                if found:
                    yield Case(f"message-{story}-{lie}-{number}-{_slug(pattern)}.pcap", data)


_LENGTHS: Final = (
    b"", b"0", b"1", b"26", b"28", b"70", b"72", b"-1", b"+27", b"0x1b", b"27, 27",
    b"27, 28", b"27\r\nContent-Length: 99", b"9" * 30, b"9" * 5000, b"\xb2\xb3", b"1e3",
    b"27\x00", b"27\r\nTransfer-Encoding: chunked",
)  # fmt: skip
_CHUNK_SIZES: Final = (
    b"0", b"00", b"-1", b"g", b"", b" ", b"fffffffffffffffff", b"7fffffff", b"1", b"0x10",
    b"ffff;" + b"x" * 20_000, b"5 ", b"5;a=b", b"\xff",
)  # fmt: skip

#: (pattern, what to write for its group 1, or for all of it).
_MESSAGE_LIES: Final[Sequence[tuple[bytes, Sequence[bytes]]]] = (
    (rb"[Cc]ontent-[Ll]ength: (\d+)", _LENGTHS),
    (rb"\r\n([0-9a-f]+)\r\nevent", _CHUNK_SIZES),
    (rb"\A([0-9a-f]+)\r\nevent", _CHUNK_SIZES),
    (rb"\A(0)\r\n\r\n\Z", (*_CHUNK_SIZES, b"0\r\nA: b", b"0\r\n" + b"t: r\r\n" * 3000)),
    (rb"chunked", (b"gzip", b"chunked, chunked", b"identity", b"xchunked", b"chunked\x0b")),
    (rb"gzip", (b"br", b"zstd", b"deflate", b"gzip, gzip", b"gzip," * 500, b"nonsense")),
    (rb"\x1f\x8b\x08.*", (b"", b"\x1f", b"\x1f\x8b\x08" + b"\xff" * 200, b"\x00" * 99)),
    (rb"HTTP/1.1 (200|401)", (b"000", b"099", b"100", b"101", b"204", b"304", b"999", b"2x0", b"")),
    (rb"HTTP/1.1", (b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"HTTP")),
    (rb"POST", (b"CONNECT", b"HEAD", b"GET", b"PRI", b"P\x00ST", b"X" * 5000, b"\xff\xfe")),
    (rb"POST /v1/messages", (b"POST", b"POST ", b"POST  /", b"POST \x00", b"POST /?key=%zz&key")),
    (rb"\r\n\r\n", (b"\r\n", b"\n\n", b"\r\r", b"\n\r\n", b"\r\n \r\n\r\n", b"\r\n:\r\n\r\n")),
    (rb"X-Api-Key: ", (b"X-Api-Key:", b"X-Api-Key", b"X-Api-Key : ", b": ", b"\x00: ", b" ")),
    (rb"Host: ", (b"a: b\r\n" * 5000, b"a:" + b"b" * 300_000 + b"\r\n", b"\xff: \xff\r\n")),
    (rb"data: ", (b"data", b"dat: ", b": ", b"\n", b"\r", b"data: " + b"[" * 5000, b"id: \x00\n")),
    (rb"api.anthropic.com:443", (b"", b":", b"[::1", b"a:99999", b"[", b"\xff:443", b"a" * 9000)),
    (rb"200 Connection", (b"407 Connection", b"299 Connection", b"100 Connection", b"2 ")),
    # TLS: record type and length, handshake type and length, the extensions' lengths.
    (rb"\A(\x16\x03\x01..)", tuple(b"\x16\x03\x01" + n for n in (b"\0\0", b"\0\1", b"\xff\xff"))),
    (rb"\A(\x16\x03\x03..)", tuple(b"\x16\x03\x03" + n for n in (b"\0\0", b"\0\1", b"\x40\1"))),
    (rb"\A(\x16\x03.)..\x01", (b"\x15\x03\x01", b"\x17\x03\x01", b"\x80\x2e\x01", b"\x16\x09\x09")),
    (rb"\A.{5}\x01(...)", (b"\0\0\0", b"\0\0\1", b"\0\xff\xff", b"\xff\xff\xff")),
    (rb"\A.{5}\x02(...)", (b"\0\0\0", b"\0\0\1", b"\0\xff\xff", b"\xff\xff\xff")),
    (rb"\A.{5}[\x01\x02].{37}(.)", (b"\x00", b"\x01", b"\x21", b"\xff")),
    (rb"\A.{76}(..)", (b"\0\0", b"\0\1", b"\xff\xff")),
    (rb"\0\0(..)..\0..api", (b"\0\0", b"\0\1", b"\xff\xff")),
    (rb"\0(\x16|\x14)api", (b"\0", b"\x01", b"\xff")),
    (rb"(\x00\x2b\x00.)", (b"\0\x2b\0\0", b"\0\x2b\0\xff", b"\0\x2b\xff\xff")),
    (rb"\x14\x03\x03(..)", (b"\0\0", b"\xff\xff")),
    (rb"\x17\x03\x03(..)", (b"\0\0", b"\0\1", b"\x41\1", b"\xff\xff")),
)


def _rewritten(
    records: Sequence[Rendered], pattern: re.Pattern[bytes], replacement: bytes
) -> tuple[bytes, bool]:
    """The seed with the first match in each payload replaced; was there any?

    Long payloads are cut into segments, so that each frame stays one datagram.
    """
    moved: dict[bytes, int] = {}
    out, found = [PCAP_HEADER], False
    for _, record in records:
        frame = bytearray(record[RECORD_HEADER:])
        start = TCP_OFFSET - 12 + (frame[TCP_OFFSET] >> 4) * 4
        payload, own = bytes(frame[start:]), bytes(frame[26:30])
        peer = bytes(frame[30:34])
        match = pattern.search(payload)
        if match:
            found = True
            begin, end = match.span(match.lastindex or 0)
            rewritten = payload[:begin] + replacement + payload[end:]
        else:
            rewritten = payload
        headers = bytes(frame[:start])
        headers = _shifted(headers, TCP_SEQUENCE, moved.get(own, 0))
        headers = _shifted(headers, TCP_ACKNOWLEDGMENT, moved.get(peer, 0))
        for at in range(0, max(len(rewritten), 1), 60_000):
            part = rewritten[at : at + 60_000]
            head = _shifted(headers, TCP_SEQUENCE, at)
            head = _with(head, IP_LENGTH, "!H", len(head) - 14 + len(part))
            size = len(head) + len(part)
            out += [record[:8], struct.pack("<II", size, size), head, part]
        moved[own] = moved.get(own, 0) + len(rewritten) - len(payload)
    return b"".join(out), found


def _shifted(headers: bytes, offset: int, by: int) -> bytes:
    (value,) = struct.unpack_from("!I", headers, offset)
    return _with(headers, offset, "!I", (value + by) & 0xFFFFFFFF)


def _with_in_frame(record: bytes, offset: int, form: str, value: int) -> bytes:
    return _with(record, RECORD_HEADER + offset, form, value)


def _with(data: bytes, offset: int, form: str, value: int) -> bytes:
    """`data` with `value` packed at `offset`; untouched where that lies outside."""
    size = struct.calcsize(form)
    if offset + size > len(data):
        return data
    packed = struct.pack(form, value & ((1 << 8 * size) - 1))
    return data[:offset] + packed + data[offset + size :]


def _slug(pattern: bytes) -> str:
    return re.sub(rb"\W+", b"-", pattern).decode("ascii").strip("-").lower()


def write(directory: Path) -> int:
    """Write the corpus, one file a case; returns how many."""
    directory.mkdir(parents=True, exist_ok=True)
    cases = chain.from_iterable(family() for family in FAMILIES.values())
    return sum(1 for case in cases if (directory / case.name).write_bytes(case.data) >= 0)


if __name__ == "__main__":
    print(write(Path(sys.argv[1])), "files")
