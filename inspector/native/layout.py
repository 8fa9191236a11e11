"""The shapes that Python and `core.h` share, by ctypes."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_int64, c_uint8, c_uint32, c_uint64
from typing import Any, Final

#: What `core.h` calls INSPECTOR_CORE_ABI.
ABI: Final = 22

#: Bytes of a key: two addresses of IPv4 and two ports, as they are on the wire.
KEY: Final = 12
#: What a key leads to that leads to no direction.
UNINTERESTING: Final = -1
UNINTERESTING_BUT_DATA: Final = -2
#: Why `join` returned: the low bits of its answer.
END, RARE, SHOW, FLUSH, FULL = range(5)
REASON_BITS: Final = 3

#: The fields of `struct half`, each 8 bytes; behind them the frames that came last.
NEXT, ACKED, FIN, WRAPS, SKIP, LAST_AT, LAST_PACKET, BATCH, ROOM = range(9)
EARLY, FIRST, LAST, HELD, BEFORE = range(9, 14)
RECENT: Final = 16
HALF_FIELDS: Final = 32
#: Of `struct group`: the direction, how many segments were taken of it, how many bytes.
GROUP_FIELDS: Final = 3


class KeySlot(ctypes.Structure):
    """`struct slot`."""

    _fields_ = (("key", c_uint8 * KEY), ("value", c_int32))


class HeldSegment(ctypes.Structure):
    """`struct segment`."""

    _fields_ = (
        ("at", c_int64),
        ("packet", c_int64),
        ("offset", c_uint32),
        ("length", c_uint32),
        ("following", c_int32),
        ("half", c_int32),
    )


class CoreState(ctypes.Structure):
    """`struct state`: what each call is told, and answers."""

    _fields_ = (
        ("seed", c_uint64 * 2),
        ("halves", ctypes.c_void_p),
        ("half_count", c_int64),
        ("slots", ctypes.c_void_p),
        ("slot_mask", c_int64),
        ("segments", ctypes.c_void_p),
        ("segment_room", c_int64),
        ("segment_count", c_int64),
        ("before_ip", c_int64),
        ("first_packet", c_int64),
        ("half", c_int64),
        ("at", c_int64),
        ("start", c_int64),
        ("stop", c_int64),
        ("unseen", c_int64),
        ("tcp_packets", c_int64),
        ("duplicate_packets", c_int64),
    )


class FileWalk(ctypes.Structure):
    """`struct walk`: how a capture file is walked."""

    _fields_ = tuple(
        (name, c_int64)
        for name in ("big_endian", "tick", "header", "longest", "interface", "offset", "at")
    )

    big_endian: int
    tick: int
    header: int
    longest: int
    interface: int
    offset: int
    at: int


class Chunking(ctypes.Structure):
    """`struct chunking`: where a body in chunks has been read to."""

    _fields_ = tuple((name, c_int64) for name in ("index", "position", "body", "passed"))

    index: int
    position: int
    body: int
    passed: int


#: Heads of events that the core is told of at most.
HEADS: Final = 16


class HeardEvents(ctypes.Structure):
    """`struct heard`: what the events of a stream tell."""

    _fields_ = (
        *((name, c_int64) for name in ("last", "longest", "reads_plain")),
        ("seen", c_int64 * (HEADS + 1)),
    )

    last: int
    longest: int
    reads_plain: int
    seen: Any


class Sealed(ctypes.Structure):
    """`struct sealed`: one direction of TLS whose handshake is over."""

    _fields_ = tuple((name, c_int64) for name in ("left", "size", "records", "bytes"))

    left: int
    size: int
    records: int
    bytes: int


#: Of `struct burst`: when its first and its last byte came, and how many it has.
BURST_FIELDS: Final = 3

LITERALS: Final = 32
LONGEST_LITERAL: Final = 15


class LiteralTable(ctypes.Structure):
    """`struct finder`: texts that are looked for together."""

    class Literal(ctypes.Structure):
        """`struct literal`."""

        _fields_ = (("length", c_uint8), ("text", c_uint8 * LONGEST_LITERAL))

    _fields_ = (("pairs", c_uint8 * 8192), ("count", c_int64), ("literals", Literal * LITERALS))

    pairs: Any
    count: int
    literals: Any


class WindowTable(ctypes.Structure):
    """`struct windows`: a set of words of eight bytes."""

    _fields_ = (
        ("slots", ctypes.c_void_p),
        *((name, c_int64) for name in ("room", "size", "count")),
        ("salt", c_uint64),
        ("factors", c_uint64 * 2),
        ("folds", c_int64),
    )

    slots: int
    room: int
    size: int
    count: int
    salt: int
    factors: Any
    folds: int


#: Fields of `struct usual`, each 8 bytes, and which is which.
USUAL_FIELDS: Final = 6
USUAL_KEY, USUAL_SEQUENCE, USUAL_FLAGS, USUAL_START, USUAL_STOP, USUAL_WAY = range(USUAL_FIELDS)


class Ways(ctypes.Structure):
    """`struct ways`: the directions that a batch's packets were met of."""

    _fields_ = (
        ("seed", c_uint64 * 2),
        ("slots", ctypes.c_void_p),
        ("mask", c_int64),
        ("count", c_int64),
    )

    seed: Any
    slots: int
    mask: int
    count: int


#: Brackets of JSON that the core follows within one another, and what stands for an array's.
JSON_DEPTH: Final = 60
AN_ARRAY: Final = 255


class JsonWalk(ctypes.Structure):
    """`struct json`: a document that is walked."""

    _fields_ = (
        *((name, c_int64) for name in ("expects", "depth", "answers", "changed")),
        ("granted", c_int64),
        ("texts", c_int64),
        ("names", c_uint8 * JSON_DEPTH),
    )

    expects: int
    depth: int
    answers: int
    changed: int
    granted: int
    texts: int
    names: Any


#: Bytes of a token that is known, and of `struct known_token`.
KNOWN_TEXT: Final = 61
KNOWN_TOKEN: Final = 64
#: Its kinds; to the last what the name means is added.
KNOWN_NAME, KNOWN_NUMBER, KNOWN_EVENT, KNOWN_VALUE = range(1, 5)


class TokenTable(ctypes.Structure):
    """`struct known`: tokens that stay as they are."""

    _fields_ = (("seed", c_uint64), ("tokens", ctypes.c_void_p), ("mask", c_int64))

    seed: int
    tokens: int | None
    mask: int


#: Of a record that is blank in a copy: its header's 40 bits are there; something of its body is
#: hidden; some of it was not seen.
SEAL_BEGINS: Final = 1 << 40
SEAL_HIDES: Final = 1 << 41
SEAL_UNSEEN: Final = 1 << 42


class Cover(ctypes.Structure):
    """`struct cover`: a direction whose packets are masked."""

    _fields_ = tuple(
        (name, ctypes.c_void_p if name in ("raw", "out", "records") else c_int64)
        for name in (
            "known", "offset", "decided", "over", "base", "length", "raw", "out", "mark",
            "first", "last", "least", "soonest", "odd", "records", "record_count",
        )
    )  # fmt: skip

    known: int
    offset: int
    decided: int
    over: int
    base: int
    length: int
    raw: int | None
    out: int | None
    mark: int
    first: int
    last: int
    least: int
    soonest: int
    odd: int
    records: int | None
    record_count: int


#: Fields of `struct strand` and `struct piece`, each 8 bytes.
STRAND_FIELDS: Final = 10
PIECE_FIELDS: Final = 4


class Weave(ctypes.Structure):
    """`struct weave`: what strands are written into."""

    _fields_ = (
        ("strands", ctypes.c_void_p),
        ("pieces", ctypes.c_void_p),
        ("of", ctypes.c_void_p),
        ("room", c_int64),
        ("latest", ctypes.c_void_p),
        ("ways", c_int64),
        ("bytes", ctypes.c_void_p),
        ("bytes_room", c_int64),
        ("seams", ctypes.c_void_p),
        ("seams_room", c_int64),
        ("seams_used", c_int64),
        ("edge", c_int64),
    )

    seams_used: int


#: Bytes of the structures of `core.h`, in the order of `inspector_core_sizes`.
SIZES: Final = (
    32,
    8 * HALF_FIELDS,
    ctypes.sizeof(KeySlot),
    ctypes.sizeof(HeldSegment),
    32,
    ctypes.sizeof(CoreState),
    ctypes.sizeof(FileWalk),
    ctypes.sizeof(Chunking),
    ctypes.sizeof(HeardEvents),
    ctypes.sizeof(LiteralTable),
    ctypes.sizeof(WindowTable),
    ctypes.sizeof(Sealed),
    8 * USUAL_FIELDS,
    ctypes.sizeof(Ways),
    ctypes.sizeof(JsonWalk),
    KNOWN_TOKEN,
    ctypes.sizeof(TokenTable),
    ctypes.sizeof(Cover),
    8 * STRAND_FIELDS,
    8 * PIECE_FIELDS,
    ctypes.sizeof(Weave),
    8 * GROUP_FIELDS,
    8 * BURST_FIELDS,
)

_first_byte: Final = ctypes.c_char.from_buffer
_address_of: Final = ctypes.addressof


def address(data: bytearray) -> int | None:
    """Where bytes lie, as long as they keep their length; None: there are none."""
    return _address_of(_first_byte(data)) if data else None
