"""Loads the shipped objects with the system's `libbpf.so.1`, through ctypes.

libbpf does the work (CO-RE relocation, maps, links, ring buffers); iproute2
depends on it, so it is on Debian 12, Ubuntu 24.04 and their like.  What it and
the kernel's verifier say while something fails is kept and goes into the error.

What needs privilege is `load` and `attach`.  A ring buffer and a global
variable are memory, so reading them needs none; reading a map by its file
descriptor needs none from Linux 5.19 on.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import mmap
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from inspector.errors import InspectorError

LIBRARY: Final = "libbpf.so.1"
BTF: Final = Path("/sys/kernel/btf/vmlinux")

#: Lines of libbpf and of the verifier that an error quotes.
_LINES_KEPT: Final = 40
_WARNING: Final = 0
_BPF_ANY: Final = 0

_PRINT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_SAMPLE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)

_pointer = ctypes.c_void_p
_int = ctypes.c_int
_text = ctypes.c_char_p
#: Function -> result and arguments, as bpf/libbpf.h and bpf/bpf.h of libbpf 1.0 have them.
_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "libbpf_set_print": (_pointer, [_pointer]),
    "bpf_object__open_mem": (_pointer, [_text, ctypes.c_size_t, _pointer]),
    "bpf_object__load": (_int, [_pointer]),
    "bpf_object__close": (None, [_pointer]),
    "bpf_object__find_program_by_name": (_pointer, [_pointer, _text]),
    "bpf_object__find_map_by_name": (_pointer, [_pointer, _text]),
    "bpf_object__next_map": (_pointer, [_pointer, _pointer]),
    "bpf_map__name": (_text, [_pointer]),
    "bpf_map__fd": (_int, [_pointer]),
    "bpf_map__initial_value": (_pointer, [_pointer, _pointer]),
    "bpf_map__set_max_entries": (_int, [_pointer, ctypes.c_uint32]),
    "bpf_program__fd": (_int, [_pointer]),
    "bpf_program__set_autoload": (_int, [_pointer, ctypes.c_bool]),
    "bpf_program__attach": (_pointer, [_pointer]),
    "bpf_program__attach_uprobe_opts": (
        _pointer,
        [_pointer, _int, _text, ctypes.c_size_t, _pointer],
    ),
    "bpf_link__fd": (_int, [_pointer]),
    "bpf_link__destroy": (_int, [_pointer]),
    "bpf_iter_create": (_int, [_int]),
    "bpf_map_lookup_elem": (_int, [_int, _pointer, _pointer]),
    "bpf_map_update_elem": (_int, [_int, _pointer, _pointer, ctypes.c_uint64]),
    "bpf_map_delete_elem": (_int, [_int, _pointer]),
    "bpf_map_get_next_key": (_int, [_int, _pointer, _pointer]),
    "ring_buffer__new": (_pointer, [_int, _pointer, _pointer, _pointer]),
    "ring_buffer__consume": (_int, [_pointer]),
    "ring_buffer__epoll_fd": (_int, [_pointer]),
    "ring_buffer__free": (None, [_pointer]),
}


class _UprobeOptions(ctypes.Structure):
    """struct bpf_uprobe_opts of libbpf 1.0; later ones have more, which `size` says are not set."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("counter", ctypes.c_size_t),
        ("cookie", ctypes.c_uint64),
        ("on_return", ctypes.c_bool),
        ("function", ctypes.c_char_p),
    )


class BpfError(InspectorError):
    """An eBPF program that cannot run here; `log` is what libbpf and the verifier said."""

    def __init__(self, culprit: str, next_step: str, not_this: str = "", log: str = "") -> None:
        super().__init__(culprit, next_step, not_this)
        self.log = log


_said: Final[deque[str]] = deque(maxlen=_LINES_KEPT)


def _say(level: int, format: bytes, arguments: int) -> int:
    """The print function for libbpf: a va_list is a pointer to the callee on x86-64 and arm64."""
    if level == _WARNING:
        buffer = ctypes.create_string_buffer(1 << 16)
        ctypes.CDLL(None).vsnprintf(
            buffer, ctypes.c_size_t(len(buffer)), ctypes.c_char_p(format), _pointer(arguments)
        )
        _said.extend(buffer.value.decode("utf-8", "replace").rstrip().splitlines())
    return 0


_print = _PRINT(_say)


@functools.cache
def library() -> ctypes.CDLL:
    """The system's libbpf.  Raises `BpfError` where there is none."""
    try:
        found = ctypes.CDLL(LIBRARY, use_errno=True)
    except OSError as error:
        raise BpfError(
            f"The library {LIBRARY} is not here",
            "Install libbpf1 (Debian, Ubuntu) or libbpf (Fedora)",
            "The kernel was not asked yet",
        ) from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    found.libbpf_set_print(_print)
    return found


class BpfObject:
    """One `*.bpf.o`: opened, configured, loaded, its programs attached.

    A context manager; `close` takes everything out of the kernel again.
    """

    def __init__(self, name: str, data: bytes | None = None) -> None:
        if sys.byteorder != "little":
            raise BpfError(
                "The eBPF objects are for little-endian machines",
                "Capture without them: nothing else is needed",
            )
        self.name = name
        self._library = library()
        self._links: list[int] = []
        self._rings: list[RingBuffer] = []
        if data is None:
            data = files("inspector.linux.ebpf").joinpath(f"{name}.bpf.o").read_bytes()
        _said.clear()
        self._object = self._library.bpf_object__open_mem(data, len(data), None)
        if not self._object:
            raise self._error("opened", ctypes.get_errno())

    def configure(self, value: bytes) -> None:
        """Give the program's one constant (`const volatile`) its value, before `load`."""
        size = ctypes.c_size_t()
        section = self._section(".rodata")
        address = self._library.bpf_map__initial_value(section, ctypes.byref(size))
        if size.value != len(value):
            raise ValueError(f"{self.name} has {size.value} bytes of constants, not {len(value)}")
        ctypes.memmove(address, value, len(value))

    def resize(self, map_name: str, entries: int) -> None:
        """Set the size of a map (bytes, for a ring buffer), before `load`."""
        self._library.bpf_map__set_max_entries(self._map(map_name), entries)

    def leave_out(self, program: str) -> None:
        """Do not load a program, whose hook this kernel lacks."""
        self._library.bpf_program__set_autoload(self._program(program), False)

    def load(self) -> None:
        """Put maps and programs into the kernel.  Raises `BpfError`."""
        _said.clear()
        status = self._library.bpf_object__load(self._object)
        if status:
            raise self._error("loaded", -status)

    def attach(self, program: str) -> int:
        """Attach a program to what its section names; the file descriptor of the link."""
        _said.clear()
        link = self._library.bpf_program__attach(self._program(program))
        if not link:
            raise self._error(f"attached ({program})", ctypes.get_errno())
        self._links.append(link)
        return int(self._library.bpf_link__fd(link))

    def attach_to_code(self, program: str, path: str, offset: int, cookie: int) -> None:
        """Run a program whenever any process runs the instruction at an offset of a file.

        The program is told the `cookie` (Linux 5.15).
        """
        _said.clear()
        options = _UprobeOptions(size=ctypes.sizeof(_UprobeOptions), cookie=cookie)
        link = self._library.bpf_program__attach_uprobe_opts(
            self._program(program), -1, path.encode(), offset, ctypes.byref(options)
        )
        if not link:
            raise self._error(f"attached ({program})", ctypes.get_errno())
        self._links.append(link)

    def iterate(self, link: int) -> bytes:
        """Run an attached iterator once; everything it wrote."""
        fd = self._library.bpf_iter_create(link)
        if fd < 0:
            raise self._error("iterated", -fd)
        with os.fdopen(fd, "rb") as stream:
            return stream.read()

    def program_fd(self, program: str) -> int:
        return int(self._library.bpf_program__fd(self._program(program)))

    def map(self, name: str, key_size: int, value_size: int) -> BpfMap:
        fd = self._library.bpf_map__fd(self._map(name))
        return BpfMap(self._library, int(fd), key_size, value_size)

    def variables(self) -> mmap.mmap:
        """The program's global variables: the memory that the kernel writes to, after `load`."""
        fd = int(self._library.bpf_map__fd(self._section(".bss")))
        return mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ)

    def ring_buffer(self, name: str) -> RingBuffer:
        """Its ring buffer, mapped; closed with the object."""
        fd = self._library.bpf_map__fd(self._map(name))
        ring = RingBuffer(self._library, int(fd))
        self._rings.append(ring)
        return ring

    def close(self) -> None:
        """Detach and unload.  Idempotent."""
        while self._rings:
            self._rings.pop().close()
        while self._links:
            self._library.bpf_link__destroy(self._links.pop())
        if self._object:
            self._library.bpf_object__close(self._object)
            self._object = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _program(self, name: str) -> int:
        found = self._library.bpf_object__find_program_by_name(self._object, name.encode())
        if not found:
            raise KeyError(name)
        return int(found)

    def _map(self, name: str) -> int:
        found = self._library.bpf_object__find_map_by_name(self._object, name.encode())
        if not found:
            raise KeyError(name)
        return int(found)

    def _section(self, section: str) -> int:
        """The map of a section's variables; its name is the object's cut short, and that."""
        each = self._library.bpf_object__next_map(self._object, None)
        while each:
            if self._library.bpf_map__name(each).decode().endswith(section):
                return int(each)
            each = self._library.bpf_object__next_map(self._object, each)
        raise KeyError(section)

    def _error(self, what: str, number: int) -> BpfError:
        log = "\n".join(_said)
        culprit = f"The eBPF object {self.name} could not be {what}: {os.strerror(number)}"
        next_step, not_this = _remedy(number, log)
        return BpfError(culprit, next_step, not_this, log)


def _remedy(number: int, log: str) -> tuple[str, str]:
    if number in (errno.EPERM, errno.EACCES) and "processed" not in log:
        if _locked_down():
            return (
                "The kernel is locked down (confidentiality), which forbids eBPF to read its"
                " memory: start it with lockdown=integrity",
                "More privilege does not help",
            )
        return "Run it as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN", ""
    if not BTF.exists():
        return (
            "This kernel has no BTF (/sys/kernel/btf/vmlinux): use one built with"
            " CONFIG_DEBUG_INFO_BTF",
            "More privilege does not help",
        )
    return (
        "It needs Linux 5.17 (6.3 for the process that accepts a connection); please report"
        " what the verifier said (-v)",
        "The packets are captured all the same",
    )


def _locked_down() -> bool:
    try:
        return "[confidentiality]" in Path("/sys/kernel/security/lockdown").read_text()
    except OSError:
        return False


class BpfMap:
    """A map by its file descriptor; keys and values are bytes of fixed sizes."""

    def __init__(self, lib: ctypes.CDLL, fd: int, key_size: int, value_size: int) -> None:
        self._library = lib
        self.fd = fd
        self._key_size = key_size
        self._value_size = value_size

    def __setitem__(self, key: bytes, value: bytes) -> None:
        assert len(key) == self._key_size
        assert len(value) == self._value_size
        status = self._library.bpf_map_update_elem(self.fd, key, value, _BPF_ANY)
        if status:
            raise OSError(-status, os.strerror(-status))

    def get(self, key: bytes) -> bytes | None:
        value = ctypes.create_string_buffer(self._value_size)
        status = self._library.bpf_map_lookup_elem(self.fd, key, value)
        if status == -errno.ENOENT:
            return None
        if status:
            raise OSError(-status, os.strerror(-status))
        return value.raw

    def __delitem__(self, key: bytes) -> None:
        self._library.bpf_map_delete_elem(self.fd, key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values; what changes meanwhile may be missed or seen twice."""
        following = ctypes.create_string_buffer(self._key_size)
        key: bytes | None = None
        while True:
            status = self._library.bpf_map_get_next_key(self.fd, key, following)
            if status == -errno.ENOENT:
                return
            if status:
                raise OSError(-status, os.strerror(-status))
            key = following.raw
            value = self.get(key)
            if value is not None:
                yield key, value


class RingBuffer:
    """A ring buffer of events, read through its mapped pages."""

    def __init__(self, lib: ctypes.CDLL, fd: int) -> None:
        self._library = lib
        self._take: Callable[[bytes], None] = lambda event: None
        self._callback = _SAMPLE(self._sample)
        self._ring = lib.ring_buffer__new(fd, self._callback, None, None)
        if not self._ring:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def _sample(self, _: int, data: int, size: int) -> int:
        self._take(ctypes.string_at(data, size))
        return 0

    def fileno(self) -> int:
        """Readable when there are events."""
        return int(self._library.ring_buffer__epoll_fd(self._ring))

    def read(self) -> list[bytes]:
        """The events that are there; never waits."""
        events: list[bytes] = []
        self._take = events.append
        self._library.ring_buffer__consume(self._ring)
        return events

    def close(self) -> None:
        if self._ring:
            self._library.ring_buffer__free(self._ring)
            self._ring = None
