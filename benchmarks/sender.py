"""Puts the frames of a pcap file on an interface, at a rate: `python -m benchmarks.sender`.

The packet generator of the live benchmark.  Frames are laid out once in memory
as sendmmsg(2) wants them; then one system call sends up to 64.  Prints how many
frames went out in how many seconds as JSON.  It ends when the file does.
"""

from __future__ import annotations

import ctypes
import json
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Final

_BURST: Final = 64
#: linux/if_packet.h: frames go past the queueing discipline, straight to the device.
_SOL_PACKET: Final = 263
_PACKET_QDISC_BYPASS: Final = 20
_PCAP_HEADER: Final = 24
_RECORD: Final = struct.Struct("<8xII")
_RECORD_HEADER: Final = 16
#: struct iovec; struct mmsghdr with a msghdr that has nothing but one iovec.
_IOVEC: Final = struct.Struct("@PN")
_MESSAGE: Final = struct.Struct("@PI4xPNPNi4xI4x")


def send(interface: str, path: Path, rate: float, packets: int) -> tuple[int, float]:
    """Send the first `packets` frames at `rate` a second (0: as fast as it goes)."""
    data = path.read_bytes()
    buffer = ctypes.create_string_buffer(data, len(data))
    base = ctypes.addressof(buffer)
    where: list[tuple[int, int]] = []
    at = _PCAP_HEADER
    while at < len(data) and len(where) < packets:
        captured, _ = _RECORD.unpack_from(data, at)
        where.append((base + at + _RECORD_HEADER, captured))
        at += _RECORD_HEADER + captured
    count = len(where)
    vectors = ctypes.create_string_buffer(_IOVEC.size * count)
    messages = ctypes.create_string_buffer(_MESSAGE.size * count)
    first = ctypes.addressof(vectors)
    for index, (address, length) in enumerate(where):
        _IOVEC.pack_into(vectors, index * _IOVEC.size, address, length)
        vector = first + index * _IOVEC.size
        _MESSAGE.pack_into(messages, index * _MESSAGE.size, 0, 0, vector, 1, 0, 0, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
    start = ctypes.addressof(messages)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
        out.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
        out.bind((interface, 0))
        sent = 0
        began = time.perf_counter()
        while sent < count:
            due = count
            if rate:
                due = min(count, int((time.perf_counter() - began) * rate))
                if due <= sent:
                    time.sleep(min(0.001, (sent + _BURST - due) / rate))
                    continue
            burst = min(_BURST, due - sent)
            done = libc.sendmmsg(out.fileno(), start + sent * _MESSAGE.size, burst, 0)
            if done < 0:
                number = ctypes.get_errno()
                raise OSError(number, f"sendmmsg after {sent} frames")
            sent += done
        return sent, time.perf_counter() - began


if __name__ == "__main__":
    told_interface, told_path, told_rate, told_packets = sys.argv[1:]
    frames, seconds = send(told_interface, Path(told_path), float(told_rate), int(told_packets))
    print(json.dumps([frames, seconds]))
