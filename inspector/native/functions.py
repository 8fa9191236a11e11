"""The functions of the compiled core, by ctypes; the shapes that they take are those of `layout`.

No I/O: whoever has loaded a library makes a `Core` of it.
"""

from __future__ import annotations

import ctypes
from ctypes import c_int64, c_uint64
from typing import Any, Final

from inspector.native.layout import (
    ABI,
    SIZES,
    CoreState,
    Cover,
    FileWalk,
    JsonWalk,
    LiteralTable,
    Sealed,
    TokenTable,
    Ways,
    Weave,
    WindowTable,
)

_state: Final = ctypes.POINTER(CoreState)
_walk: Final = ctypes.POINTER(FileWalk)
_windows: Final = ctypes.POINTER(WindowTable)
_json: Final = ctypes.POINTER(JsonWalk)
_known: Final = ctypes.POINTER(TokenTable)
_number: Final = ctypes.POINTER(c_int64)
_address: Final = ctypes.c_void_p
_bytes: Final = ctypes.c_char_p
#: Function -> arguments; every one answers an int64_t.
_SIGNATURES: Final[dict[str, list[Any]]] = {
    "abi": [],
    "sizes": [_address, c_int64],
    "put": [_state, _bytes, c_int64],
    "drop": [_state, _bytes],
    "find": [_state, _bytes],
    "rehash": [_state, _address, c_int64],
    "join": [_state, _bytes, c_int64, _address, c_int64, c_int64],
    "take": [_state, _bytes, c_int64, c_int64, _address, c_int64, _address, c_int64],
    "settle": [
        _state,
        _bytes,
        c_int64,
        _address,
        c_int64,
        _address,
        c_int64,
        _address,
        c_int64,
    ],
    "walk_classic": [_walk, _bytes, c_int64, _address, c_int64],
    "walk_pcapng": [_walk, _bytes, c_int64, _address, c_int64],
    "walk_ring": [_bytes, c_int64, c_int64, c_int64, _address, c_int64],
    "span": [_address, c_int64, c_int64, _number, _number],
    "chunks": [_address, _bytes, c_int64, _address, c_int64, _address, c_int64],
    "events": [_address, _bytes, c_int64, _address, c_int64, _bytes, c_int64],
    "sealed": [_address, _bytes, c_int64, _address, c_int64],
    "bursts": [_address, c_int64, c_int64, _address, c_int64],
    "first": [ctypes.POINTER(LiteralTable), _bytes, c_int64, c_int64],
    "enter": [_windows, _bytes, c_int64, c_int64, c_int64],
    "move": [_windows, _windows],
    "meet": [_windows, _bytes, c_int64, c_int64, c_int64, c_uint64],
    "usual": [ctypes.POINTER(Ways), _bytes, c_int64, c_int64, _address, c_int64, _address],
    "alike": [_bytes, c_int64, _address, _bytes, c_int64, _address, c_int64, c_int64, _bytes],
    "seal": [ctypes.POINTER(Sealed), _bytes, c_int64, c_int64, _address],
    "headers": [
        ctypes.POINTER(Sealed),
        _bytes,
        c_int64,
        _address,
        c_int64,
        c_int64,
        _address,
        c_int64,
    ],
    "chain": [_address, c_int64, c_int64, _address, _address, c_int64],
    "cover": [
        ctypes.POINTER(Cover),
        _address,
        c_int64,
        _address,
        _address,
        c_int64,
        c_int64,
        _address,
    ],
    "gather": [_address, c_int64, _address, c_int64, _address, _address, c_int64],
    "blocks": [
        _bytes,
        c_int64,
        _address,
        c_int64,
        c_int64,
        c_int64,
        _address,
        c_int64,
        _number,
    ],
    "strands": [ctypes.POINTER(Weave), _bytes, c_int64, _address, c_int64],
    "said": [_bytes, c_int64, _address, _address, c_int64, _address, c_int64],
    "string": [_bytes, c_int64, c_int64],
    "lay": [_address, c_int64, c_int64, _address, c_int64, _bytes, c_int64],
    "know": [_known, c_int64, c_int64, _bytes, c_int64],
    "mask_json": [_json, _known, _bytes, c_int64, c_int64, _address],
    "mask_events": [_json, _known, _bytes, c_int64, c_int64, _address],
}


class Mismatch(Exception):
    """A library that is not the one these shapes are of; its text says how."""


def _function(library: ctypes.PyDLL, name: str) -> Any:
    try:
        function = getattr(library, f"inspector_core_{name}")
    except AttributeError as error:
        raise Mismatch(f"it has no function {name}") from error
    function.restype, function.argtypes = c_int64, _SIGNATURES[name]
    return function


class Core:
    """The functions of a loaded library, and what keys its hash tables.

    Calls keep the interpreter's lock: each takes some microseconds.  Raises `Mismatch`.
    """

    def __init__(self, library: ctypes.PyDLL, seed: bytes) -> None:
        functions = {name: _function(library, name) for name in _SIGNATURES}
        if functions["abi"]() != ABI:
            raise Mismatch(f"its version is {functions['abi']()}, not {ABI}")
        sizes = (c_int64 * len(SIZES))()
        if functions["sizes"](sizes, len(sizes)) != len(SIZES) or tuple(sizes) != SIZES:
            raise Mismatch(f"its shapes have {tuple(sizes)} bytes, not {SIZES}")
        self.put: Any = functions["put"]
        self.drop: Any = functions["drop"]
        self.find: Any = functions["find"]
        self.rehash: Any = functions["rehash"]
        self.join: Any = functions["join"]
        self.take: Any = functions["take"]
        self.settle: Any = functions["settle"]
        self.walk_classic: Any = functions["walk_classic"]
        self.walk_pcapng: Any = functions["walk_pcapng"]
        self.walk_ring: Any = functions["walk_ring"]
        self.span: Any = functions["span"]
        self.chunks: Any = functions["chunks"]
        self.events: Any = functions["events"]
        self.sealed: Any = functions["sealed"]
        self.bursts: Any = functions["bursts"]
        self.first: Any = functions["first"]
        self.enter: Any = functions["enter"]
        self.move: Any = functions["move"]
        self.meet: Any = functions["meet"]
        self.usual: Any = functions["usual"]
        self.alike: Any = functions["alike"]
        self.gather: Any = functions["gather"]
        self.seal: Any = functions["seal"]
        self.headers: Any = functions["headers"]
        self.chain: Any = functions["chain"]
        self.cover: Any = functions["cover"]
        self.blocks: Any = functions["blocks"]
        self.said: Any = functions["said"]
        self.string: Any = functions["string"]
        self.lay: Any = functions["lay"]
        self.know: Any = functions["know"]
        self.mask_json: Any = functions["mask_json"]
        self.mask_events: Any = functions["mask_events"]
        self.strands: Any = functions["strands"]
        self.seed = int.from_bytes(seed[:8], "little"), int.from_bytes(seed[8:16], "little")
