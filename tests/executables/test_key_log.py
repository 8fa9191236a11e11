"""Where OpenSSL hands out a secret is found in its code, or it is said why not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from inspector.executables.elf import ElfImage, UnreadableProgram
from inspector.executables.key_log import KeyLogSite, Layout, find_key_log
from tests.executables.build import Elf

SETTER = b"\xf3\x0f\x1e\xfa\x48\x89\xb7\xd0\x03\0\0\xc3"  # mov %rsi, 0x3d0(%rdi)
GETTER = b"\x48\x85\xd2\x74\x10\x48\x8d\xb7\x60\x01\0\0\xc3"  # lea 0x160(%rdi), %rsi
ASKS = b"\x55\x48\x83\xb8\xd0\x03\0\0\0\x5d\xc3"  # cmpq $0, 0x3d0(%rax)
ASKS_ELSEWHERE = b"\x49\x83\xbd\xd8\x03\0\0\0\xc3"  # cmpq $0, 0x3d8(%r13)

STATIC = {"SSL_get_client_random": GETTER, "ssl_log_secret": b"\x55\xc3"}
STRIPPED = {"SSL_CTX_set_keylog_callback": SETTER, ".a": ASKS_ELSEWHERE, ".b": b"\x90" * 40 + ASKS}


def find(elf: Elf) -> KeyLogSite | None:
    data = elf.data()
    return find_key_log(ElfImage(lambda offset, size: data[offset : offset + size]))


def test_a_program_that_exports_openssl_has_its_function_by_name() -> None:
    elf = Elf(STATIC)
    site = find(elf)
    assert site
    assert site.name == "ssl_log_secret"
    assert site.offset == elf.addresses["ssl_log_secret"] - 0x400000
    assert site.layout == Layout(label=1, random=0, random_offset=0x160, secret=2, length=3)


def test_in_a_stripped_library_it_is_the_one_function_that_asks_for_the_callback() -> None:
    elf = Elf(STRIPPED)
    site = find(elf)
    assert site
    assert site.name == "nss_keylog_int"
    assert site.offset == elf.addresses[".b"] - 0x400000
    assert site.layout == Layout(label=0, random=2, random_offset=0, secret=4, length=5)


def test_a_program_without_openssl_has_no_such_place() -> None:
    assert find(Elf({"main": b"\xc3"})) is None


@pytest.mark.parametrize(
    ("elf", "because"),
    [
        (Elf(STATIC, machine=183), "another machine"),
        (Elf(STRIPPED | {"SSL_CTX_set_keylog_callback": b"\xc3"}), "where the callback is"),
        (Elf(STRIPPED | {".b": b"\xc3"}), "not one function alone"),
        (Elf(STRIPPED | {".c": ASKS}), "not one function alone"),
        (Elf(STRIPPED, has_frames=False), "no table of functions"),
    ],
)
def test_a_build_that_cannot_be_done_says_why(elf: Elf, because: str) -> None:
    with pytest.raises(UnreadableProgram, match=because):
        find(elf)


@pytest.mark.parametrize(
    "getter",
    [None, b"\xc3", GETTER + b"\x48\x8d\x87\x88\x01\0\0", b"\x48\x8d\xb7\xff\xff\xff\xff"],
    ids=["not exported", "without an address", "with two", "not to be believed"],
)
def test_where_code_does_not_show_the_random_it_is_to_be_learnt(getter: bytes | None) -> None:
    functions = {"ssl_log_secret": b"\x55\xc3"}
    if getter is not None:
        functions["SSL_get_client_random"] = getter
    site = find(Elf(functions))
    assert site
    assert site.layout == Layout(label=1, random=0, random_offset=None, secret=2, length=3)


def test_two_questions_of_one_function_are_one_place() -> None:
    assert find(Elf(STRIPPED | {".b": ASKS + ASKS}))


def real(path: str) -> KeyLogSite | None:
    file = os.open(path, os.O_RDONLY)
    try:
        return find_key_log(ElfImage(lambda offset, size: os.pread(file, size, offset)))
    finally:
        os.close(file)


def test_the_libssl_of_this_machine_is_understood() -> None:
    library = next(Path("/usr/lib").glob("*-linux-gnu/libssl.so.3"), None)
    if library is None or os.uname().machine != "x86_64":
        pytest.skip("there is no libssl of OpenSSL 3 for x86-64 here")
    assert real(os.fspath(library))


def test_the_node_of_this_machine_is_understood() -> None:
    node = shutil.which("node")
    if node is None or os.uname().machine != "x86_64":
        pytest.skip("there is no Node.js for x86-64 here")
    site = real(os.path.realpath(node))
    if site is None:
        pytest.skip("this Node.js uses a libssl of its own package")
    assert site.layout.random_offset in (0x160, 0x188, None)
