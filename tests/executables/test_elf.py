"""An ELF file is read as the dynamic linker reads it, and whatever lies in it is refused."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest

from inspector.executables.elf import ElfImage, Symbol, UnreadableProgram, gnu_hash, sysv_hash
from inspector.executables.key_log import find_key_log
from tests.executables.build import BASE, Elf

FUNCTIONS = {"first": b"\x90", "second": b"\x90" * 20, ".hidden": b"\x90\x90", "third": b"\xc3"}


def image(data: bytes) -> ElfImage:
    return ElfImage(lambda offset, size: data[offset : offset + size] if offset >= 0 else b"")


@pytest.mark.parametrize("hashing", ["gnu", "sysv"])
def test_an_exported_function_is_found_by_its_name(hashing: Literal["gnu", "sysv"]) -> None:
    elf = Elf(FUNCTIONS, hashing=hashing)
    read = image(elf.data())
    for name in ("first", "second", "third"):
        found = read.symbol(name.encode())
        assert found == Symbol(elf.addresses[name], len(FUNCTIONS[name]))
    assert read.symbol(b".hidden") is None
    assert read.symbol(b"firs") is None


def test_hashes_are_those_of_their_definitions() -> None:
    assert gnu_hash(b"printf") == 0x156B2BB8
    assert sysv_hash(b"printf") == 0x077905A6


def test_an_offset_is_one_of_the_file() -> None:
    read = image(Elf(FUNCTIONS).data())
    assert read.offset(BASE + 0x1000) == 0x1000
    with pytest.raises(UnreadableProgram, match="nowhere in the file"):
        read.offset(1)


def test_an_instruction_is_of_the_function_that_begins_before_it() -> None:
    elf = Elf(FUNCTIONS)
    read = image(elf.data())
    assert read.function_of(elf.addresses["second"] + 3) == elf.addresses["second"]
    assert read.function_of(elf.addresses[".hidden"]) == elf.addresses[".hidden"]
    assert read.function_of(BASE) is None


def test_a_build_has_its_linkers_name() -> None:
    assert image(Elf(FUNCTIONS).data()).build_id == "abcd"


def test_the_programs_of_this_machine_are_read() -> None:
    path = Path(sys.executable).resolve()
    read = image(path.read_bytes())
    assert any(read.code())


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\1" + bytes(60)])
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableProgram):
        image(data)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 40)):
        # The header and the tables: what is read at all.
        place = chance.choice((chance.randrange(0x130), chance.randrange(0x1000, len(data))))
        changed[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(changed)


@pytest.mark.parametrize("damage", [_cut, _flipped])
def test_a_file_that_lies_is_refused_or_read_and_nothing_else(
    damage: Callable[[bytes, random.Random], bytes],
) -> None:
    chance = random.Random(damage.__name__)
    whole = Elf({"SSL_CTX_set_keylog_callback": b"\x48\x89\xb7\xd0\x03\0\0\xc3"}).data()
    for _ in range(500):
        with suppress(UnreadableProgram):
            read = image(damage(whole, chance))
            read.build_id  # noqa: B018
            find_key_log(read)


def test_a_table_that_has_no_end_is_not_followed_for_ever() -> None:
    data = bytearray(Elf({"a": b"\xc3"}, hashing="sysv").data())
    table = data.index((1).to_bytes(4, "little") + (2).to_bytes(4, "little"), 0x1010)
    data[table + 16 : table + 20] = (1).to_bytes(4, "little")  # the chain leads to itself
    assert image(bytes(data)).symbol(b"b") is None


def test_more_segments_than_any_program_has_are_refused() -> None:
    data = bytearray(Elf({"a": b"\xc3"}).data())
    data[56:58] = (0xFFFF).to_bytes(2, "little")
    with pytest.raises(UnreadableProgram, match="program headers"):
        image(bytes(data))
