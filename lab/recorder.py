"""What crosses the bridge, into a pcapng file: nothing missed at either end.

dumpcap keeps frames in a ring that the kernel hands over by time: a signal at the wrong moment
loses the last ones.  So the end is a frame of our own: once it is in the file, everything
before it is, and then it is taken out again.
"""

from __future__ import annotations

import contextlib
import secrets
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lab.processes import LabError, Process, until

if TYPE_CHECKING:
    from lab.network import Host

#: The bridge of the firewall, as one of its two modes calls it.
BRIDGE = "fw-bridge"

#: IEEE 802 local experimental EtherType 1: no protocol, every host ignores it.
_ETHERTYPE = "88b5"
_SEND = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
    link.bind((sys.argv[1], 0))
    link.send(bytes.fromhex(sys.argv[2]))
"""


@contextlib.contextmanager
def recording(
    host: Host, path: Path, *, interface: str, snaplen: int | None = None
) -> Iterator[Process]:
    """Record an interface of ``host`` with dumpcap, promiscuously, as long as the block runs.

    Before the block the capture is on; after it ``path`` holds every frame of the block.

    :raises LabError: dumpcap is not there, or ended early.
    """
    path.unlink(missing_ok=True)
    log = path.with_name(path.name + ".dumpcap.log")
    log.unlink(missing_ok=True)
    command: list[str | Path] = ["dumpcap", "-i", interface, "-w", path]
    if snaplen is not None:
        command += ["-s", str(snaplen)]
    # dumpcap names its file once the interface is open and the ring is filling.
    with host.start(command, log=log, ready=f"File: {path}") as dumpcap:
        try:
            yield dumpcap
        finally:  # also what an interrupted block has recorded is whole
            nonce = _mark(host, BRIDGE if interface == "any" else interface)
            until(
                lambda: nonce in _tail(path) or not dumpcap.running,
                "the last frame in the capture",
            )
            if not dumpcap.running:
                raise LabError(f"dumpcap ended early: {dumpcap.output()}")
            dumpcap.stop()
            _tidy(path, nonce)
            log.unlink(missing_ok=True)


def _mark(host: Host, interface: str) -> bytes:
    """Send the frame that says "all before this is in the file"; the bytes to know it by."""
    nonce = secrets.token_bytes(16)
    frame = "ff" * 6 + "02" * 6 + _ETHERTYPE + (nonce * 3).hex()
    host.run([sys.executable, "-ISc", _SEND, interface, frame])
    return nonce


def _tail(path: Path) -> bytes:
    with path.open("rb") as capture:
        capture.seek(0, 2)
        capture.seek(max(0, capture.tell() - 65536))
        return capture.read()


#: Block types of pcapng (draft-ietf-opsawg-pcapng, section 4).
_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE = 1
#: A section header without options: those of dumpcap name this machine's CPU and kernel.
_PLAIN_SECTION = struct.pack("=IIIHHqI", _SECTION_HEADER, 28, 0x1A2B3C4D, 1, 0, -1, 28)
#: Interface options that are kept: if_name, if_tsresol.
_KEPT = (2, 9)


def _tidy(path: Path, nonce: bytes) -> None:
    """Take the end marks out of a pcapng file (in this machine's byte order), and its origin."""
    data = path.read_bytes()
    kept = bytearray()
    position = 0
    while position < len(data):
        kind, length = struct.unpack_from("=II", data, position)
        block = data[position : position + length]
        if kind == _SECTION_HEADER:
            kept += _PLAIN_SECTION
        elif kind == _INTERFACE:
            kept += _plain_interface(block)
        elif nonce not in block:
            kept += block
        position += length
    path.write_bytes(kept)


def _plain_interface(block: bytes) -> bytes:
    """An interface description without the options that tell where it was."""
    options = b""
    position = 16
    while position < len(block) - 4:
        code, length = struct.unpack_from("=HH", block, position)
        padded = 4 + length + -length % 4
        if code in _KEPT:
            options += block[position : position + padded]
        position += padded
    body = block[8:16] + options + bytes(4)
    length = struct.pack("=I", 12 + len(body))
    return block[:4] + length + body + length
