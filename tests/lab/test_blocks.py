"""A recorded file without its machine's name, and without the frames a scenario loses."""

from __future__ import annotations

import struct
from pathlib import Path

from lab.blocks import tidy


def block(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


END = option(0, b"")
ORDER = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
INTERFACE = struct.pack("<HHI", 1, 0, 262144)


def packet(port: int, data: bytes) -> bytes:
    tcp = struct.pack("!HHIIBBHHH", port, 40000, 0, 0, 5 << 4, 24, 0, 0, 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 69, 0, 20 + len(tcp), 0, 0, 64, 6, 0, bytes(4), bytes(4))
    frame = bytes(12) + b"\x08\x00" + ip + tcp
    head = struct.pack("<IIIII", 0, 0, 0, len(frame), len(frame))
    return block(6, head + frame + bytes(-len(frame) % 4))


def tidied(tmp_path: Path, data: bytes, lose: tuple[int, ...] = ()) -> bytes:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    tidy(source, target, lose=lose)
    return target.read_bytes()


def test_processor_and_system_are_left_out_and_the_program_stays(tmp_path: Path) -> None:
    names = option(2, b"a processor") + option(3, b"a system") + option(4, b"a program")
    section = block(0x0A0D0D0A, ORDER + names + END)
    kept = block(0x0A0D0D0A, ORDER + option(4, b"a program") + END)
    assert tidied(tmp_path, section) == kept

    interface = block(1, INTERFACE + option(2, b"fw-bridge") + option(12, b"a system") + END)
    assert tidied(tmp_path, interface) == block(1, INTERFACE + option(2, b"fw-bridge") + END)


def test_only_the_api_proxys_frames_with_data_are_counted_and_lost(tmp_path: Path) -> None:
    frames = [packet(443, b"x"), packet(10001, b""), packet(10001, b"1"), packet(10001, b"2")]
    assert tidied(tmp_path, b"".join(frames), lose=(2,)) == b"".join(frames[:3])
    assert tidied(tmp_path, b"".join(frames)) == b"".join(frames)
