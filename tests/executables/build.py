"""Small ELF files by hand: exported functions, their code, a table of where functions begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import Literal

from inspector.executables.elf import X86_64, gnu_hash, sysv_hash

#: Where the file is loaded; its offsets are these less than its addresses.
BASE = 0x400000
_PAGE = 0x1000


@dataclass
class Elf:
    """A library; `functions` are its code by name, those that begin with "." are not exported."""

    functions: Mapping[str, bytes]
    machine: int = X86_64
    hashing: Literal["gnu", "sysv"] = "gnu"
    build_id: bytes = b"\xab\xcd"
    has_frames: bool = True
    addresses: dict[str, int] = field(default_factory=dict)

    def data(self) -> bytes:
        """The file."""
        code = b""
        for name, body in self.functions.items():
            self.addresses[name] = BASE + _PAGE + len(code)
            code += body.ljust(-(-len(body) // 16) * 16, b"\xcc")
        names = [name for name in self.functions if not name.startswith(".")]
        if self.hashing == "gnu":
            names.sort(key=lambda name: gnu_hash(name.encode()) % 2)
        strings, symbols = b"\0", bytes(24)
        for name in names:
            size = len(self.functions[name])
            symbols += pack("<IBBHQQ", len(strings), 0x12, 0, 1, self.addresses[name], size)
            strings += name.encode() + b"\0"
        table = _gnu(names) if self.hashing == "gnu" else _sysv(names)
        note = pack("<III", 4, len(self.build_id), 3) + b"GNU\0" + self.build_id
        starts = sorted(self.addresses.values())
        at = _PAGE + len(code)
        parts: list[tuple[str, bytes]] = [
            ("symbols", symbols), ("strings", strings), ("hash", table), ("note", note),
            ("frames", b""), ("dynamic", b""),
        ]  # fmt: skip
        places: dict[str, int] = {}
        tail = b""
        for name, part in parts:
            tail += bytes(-len(tail) % 16)
            places[name] = at + len(tail)
            if name == "frames":
                base = BASE + places[name]
                part = pack("<4Bii", 1, 0x1B, 0x03, 0x3B, 0, len(starts))
                part += b"".join(pack("<ii", start - base, 0) for start in starts)
            if name == "dynamic":
                tag = 0x6FFFFEF5 if self.hashing == "gnu" else 4
                entries = ((tag, "hash"), (5, "strings"), (6, "symbols"))
                part = b"".join(pack("<QQ", tag, BASE + places[n]) for tag, n in entries)
                part += bytes(16)
            tail += part
        sizes = {"dynamic": 64, "note": len(note), "frames": 12 + 8 * len(starts)}
        segments = [
            (1, 5, 0, BASE, at + len(tail)),
            (2, 6, places["dynamic"], BASE + places["dynamic"], sizes["dynamic"]),
            (4, 4, places["note"], BASE + places["note"], sizes["note"]),
        ]
        if self.has_frames:
            segments.append((0x6474E550, 4, places["frames"], BASE + places["frames"], 0))
        header = b"\x7fELF\2\1\1" + bytes(9)
        header += pack(
            "<HHIQQQIHHHHHH", 3, self.machine, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0
        )
        for kind, flags, offset, address, size in segments:
            header += pack("<IIQQQQQQ", kind, flags, offset, address, address, size, size, 0)
        return header.ljust(_PAGE, b"\0") + code + tail


def _gnu(names: Sequence[str]) -> bytes:
    """Two buckets; the names are sorted by theirs."""
    hashes = [gnu_hash(name.encode()) for name in names]
    buckets = [next((i + 1 for i, h in enumerate(hashes) if h % 2 == b), 0) for b in (0, 1)]
    chains = b""
    for index, value in enumerate(hashes):
        is_last = index + 1 == len(hashes) or hashes[index + 1] % 2 != value % 2
        chains += pack("<I", value & ~1 | is_last)
    return pack("<IIII", 2, 1, 1, 0) + bytes(8) + pack("<2I", *buckets) + chains


def _sysv(names: Sequence[str]) -> bytes:
    """One bucket, and a chain through all."""
    assert all(sysv_hash(name.encode()) for name in names)
    chain = [0, *[i + 2 if i + 1 < len(names) else 0 for i in range(len(names))]]
    return pack(f"<II{1 + len(chain)}I", 1, len(chain), bool(names), *chain)
