"""The filter refuses what the table names, in every thread, and nothing that a parser needs."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import termios
from struct import pack

import pytest

from inspector.linux import seccomp
from inspector.linux.classic_bpf import Instruction
from inspector.linux.seccomp import DENIED, MACHINES, program

ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
THREAD = 0x00010000
X32 = 0x40000000


def verdict(
    instructions: tuple[Instruction, ...], arch: int, number: int, first: int = 0, second: int = 0
) -> int:
    """What the filter says of a call, as the kernel would run it."""
    data = pack("<IIQ6Q", number, arch, 0, first, second, 0, 0, 0, 0)
    at, accumulator = 0, 0
    while True:
        code, true, false, constant = instructions[at]
        at += 1
        if code == 0x20:
            accumulator = int.from_bytes(data[constant : constant + 4], "little")
        elif code == 0x06:
            return constant
        else:
            holds = {
                0x15: accumulator == constant,
                0x35: accumulator >= constant,
                0x45: bool(accumulator & constant),
            }[code]
            at += true if holds else false


@pytest.mark.parametrize("name", MACHINES)
def test_every_call_of_the_table_is_refused_and_the_others_are_not(name: str) -> None:
    machine = MACHINES[name]
    instructions = program(machine)
    refused = {numbers[machine.column] for numbers in DENIED.values()} - {None}

    for number in range(600):
        if number in (machine.clone, machine.clone3):
            continue
        expected = EPERM if number in refused else ALLOW
        assert verdict(instructions, machine.arch, number) == expected, number


@pytest.mark.parametrize("name", MACHINES)
def test_a_clone_makes_a_thread_or_nothing(name: str) -> None:
    machine = MACHINES[name]
    instructions = program(machine)

    def clone(flags: int) -> int:
        return verdict(instructions, machine.arch, machine.clone, flags)

    assert clone(0x003D0F00) == ALLOW  # what glibc's pthread_create asks for
    assert clone(17) == EPERM  # fork: SIGCHLD alone
    for namespace in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000,
                      0x40000000):  # fmt: skip
        assert clone(namespace | 17) == EPERM
        assert clone(namespace | THREAD) == EPERM
    assert verdict(instructions, machine.arch, machine.clone3) == ENOSYS


@pytest.mark.parametrize("name", MACHINES)
def test_nothing_is_typed_on_the_terminal(name: str) -> None:
    machine = MACHINES[name]
    instructions = program(machine)

    def ioctl(request: int) -> int:
        return verdict(instructions, machine.arch, machine.ioctl, 0, request)

    assert ioctl(termios.TIOCSTI) == ioctl(0x541C) == EPERM
    # The kernel looks at the lower half alone.
    assert ioctl(1 << 32 | termios.TIOCSTI) == EPERM
    assert ioctl(termios.TIOCGWINSZ) == ioctl(0x5411) == ALLOW


def test_another_architectures_calls_are_all_refused() -> None:
    machine = MACHINES["x86_64"]
    instructions = program(machine)
    i386, read = 0x40000003, 0

    assert verdict(instructions, machine.arch, read) == ALLOW
    assert verdict(instructions, i386, read) == EPERM
    assert verdict(instructions, MACHINES["aarch64"].arch, read) == EPERM
    assert verdict(instructions, machine.arch, X32 | read) == EPERM


def test_a_name_that_is_allowed_is_let_through_alone() -> None:
    machine = MACHINES["x86_64"]
    instructions = program(machine, {"connect"})

    assert verdict(instructions, machine.arch, 42) == ALLOW
    assert verdict(instructions, machine.arch, 41) == EPERM


def test_no_two_calls_have_a_number_in_common() -> None:
    for column in (0, 1):
        numbers = [each[column] for each in DENIED.values() if each[column] is not None]
        assert len(numbers) == len(set(numbers))


_TRY = """
import ctypes, errno, os, socket, sys, tempfile, threading
from inspector.linux import seccomp
libc = ctypes.CDLL(None, use_errno=True)
held, other = socket.socketpair()
stop = threading.Event()
before = threading.Thread(target=stop.wait)
before.start()
trouble = seccomp.install()
assert not trouble, trouble

def errno_of(number, *arguments):
    libc.syscall(number, *arguments)
    return ctypes.get_errno()

machine = seccomp.MACHINES[os.uname().machine]
for name, numbers in seccomp.DENIED.items():
    number = numbers[machine.column]
    if number is not None and name not in ("fork", "vfork"):
        assert errno_of(number, 0, 0, 0, 0, 0, 0) == errno.EPERM, name
for name, attempt in {
    "socket": lambda: socket.socket(socket.AF_UNIX),
    "connect": lambda: held.connect("/nowhere"),
    "execute": lambda: os.execv("/bin/true", ["true"]),
    "fork": os.fork,
}.items():
    try:
        attempt()
    except PermissionError:
        continue
    raise AssertionError(name)

held.send(b"what is held")
assert other.recv(100) == b"what is held"
with tempfile.TemporaryFile() as file:
    file.write(b"what is written")
after = threading.Thread(target=stop.wait)
after.start()
modes = {
    line.split()[1]
    for task in os.listdir("/proc/self/task")
    for line in open(f"/proc/self/task/{task}/status")
    if line.startswith("Seccomp:")
}
assert len(os.listdir("/proc/self/task")) == 3
assert modes == {"2"}, modes
stop.set()
print("as it should be")
"""


@pytest.mark.skipif(bool(seccomp.why_not()), reason=f"seccomp: {seccomp.why_not()}")
def test_the_kernel_refuses_in_every_thread_and_what_is_held_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("as it should be\n", "")


def test_where_there_is_none_the_reason_is_said_and_nothing_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = os.uname().machine
    monkeypatch.setattr(seccomp, "MACHINES", {})
    assert seccomp.why_not() == seccomp.install() == f"no filter is written for {machine}"

    def refused(*_: object) -> int:
        ctypes.set_errno(38)
        return -1

    monkeypatch.undo()
    monkeypatch.setattr(seccomp, "_seccomp", refused)
    if machine in MACHINES:
        assert seccomp.why_not() == "the kernel has none: Function not implemented"
