"""What a ring's socket lets through: an eBPF program, a classic one, or everything.

A filter is attached to the socket before the socket is bound, so no frame
comes through that it did not judge.  `text` says what is kept, for people and
for the capture file.
"""

from __future__ import annotations

import ctypes
import socket
from collections.abc import Sequence
from struct import pack
from typing import Final, Protocol

from inspector.fact import Fact
from inspector.linux.classic_bpf import KEEP_NOTHING, Instruction, IPNetwork, subnet_program

# Python's socket module does not name these (asm-generic/socket.h).
SO_ATTACH_FILTER: Final = 26


class SocketFilter(Protocol):
    """Decides for each frame how many bytes of it are kept; 0 drops it uncounted."""

    @property
    def text(self) -> str: ...

    def attach(self, to: socket.socket) -> None:
        """Put it in the place of the socket's present filter, in one step."""


class ClassicFilter(Fact):
    """A classic BPF program."""

    program: tuple[Instruction, ...]
    text: str

    @classmethod
    def for_subnets(cls, networks: Sequence[IPNetwork]) -> ClassicFilter:
        """Whole frames that touch one of `networks`; the text is in pcap-filter's language."""
        return cls(subnet_program(networks), " or ".join(f"net {each}" for each in networks))

    def attach(self, to: socket.socket) -> None:
        # struct sock_fprog: a count and a pointer, which must live until the call returns.
        code = b"".join(pack("=HBBI", *instruction) for instruction in self.program)
        buffer = ctypes.create_string_buffer(code, len(code))
        fprog = pack("@HP", len(self.program), ctypes.addressof(buffer))
        to.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)


NOTHING: Final = ClassicFilter(KEEP_NOTHING, "nothing")
