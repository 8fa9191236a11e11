"""What tshark reads in a capture: the methods and statuses of HTTP, by connection.

tshark is asked once, through pyshark, for the heads of HTTP alone.  Values of fields are not
looked at.  A method or a status that HTTP does not have may be anything, a key as well: it is
counted under `ANOTHER`, and not kept.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import SubprocessError
from typing import Any, Final, TypeAlias

from inspector.errors import ExitCode, InspectorError
from inspector.protocols.http1_head import METHODS
from inspector.regex import regex

#: The ends of a connection, in either order.
EndPair: TypeAlias = frozenset[tuple[str, int]]

#: A method that is not registered, or a status that is none.
ANOTHER: Final = "another"

_FILTER: Final = "http.request or http.response or http2.headers"
_METHODS: Final = frozenset(method.decode("ascii") for method in METHODS)
_STATUS: Final = regex(r"[0-9]{3}", re.ASCII)


#: How tshark ends on a file that breaks off, once it has told all packets before that.
_CUT: Final = 2


class NoTshark(InspectorError):
    """There is no tshark, or it does not run."""

    exit_code = ExitCode.NOTHING_TO_ANALYSE


@dataclass(slots=True)
class Heard:
    """What was read on one connection: requests by their methods, answers by their statuses."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    packet: int = 0

    def note(self, packet: int) -> None:
        """Something was read in this packet."""
        self.packet = min(self.packet, packet) if self.packet else packet

    def asked(self, method: str) -> None:
        """A request was read."""
        self.requests[method if method in _METHODS else ANOTHER] += 1

    def answered(self, status: str) -> None:
        """An answer was read."""
        self.statuses[status if _STATUS.fullmatch(status) else ANOTHER] += 1


def read_by_tshark(
    path: Path, keylog: Path | None, ports: Iterable[int], *, is_cut: bool = False
) -> tuple[str, dict[EndPair, Heard]]:
    """tshark: its version, and what it read by connection.

    `ports`: where it looks for HTTP; `is_cut`: the file is known to break off.  Raises `NoTshark`.
    """
    program = shutil.which("tshark")
    if program is None:
        raise NoTshark(
            "tshark is not installed, and it is the second opinion",
            "Install it: apt-get install tshark",
            "The capture was not looked at",
        )
    program = str(Path(program).absolute())
    version = _version(program)
    packets = _capture(
        str(path),
        display_filter=_FILTER,
        keep_packets=False,
        decode_as={f"tcp.port=={port}": "http" for port in ports},
        override_prefs={} if keylog is None else {"tls.keylog_file": str(keylog)},
        tshark_path=program,
        eventloop=_loop(),
    )
    heard: dict[EndPair, Heard] = {}
    try:
        for packet in packets:
            _note(heard, packet)
    finally:
        packets.close()
        packets.eventloop.close()
    if packets.ended_with and not (is_cut and packets.ended_with == _CUT):
        raise NoTshark(
            f"tshark ended with an error ({packets.ended_with}) while it read {path.name}",
            f"Run it by itself: tshark -r {path.name}",
            "What inspector says of the capture stands",
        )
    return version, heard


def _version(program: str) -> str:
    from pyshark.tshark import tshark

    # It would run what `config.ini` of the current directory names, which may be a directory
    # of artifacts that somebody else made.
    tshark.get_config = _no_config
    try:
        return str(tshark.get_tshark_version(program))
    except (OSError, ValueError, SubprocessError, tshark.TSharkVersionException):
        raise NoTshark(
            f"{program} does not say which version it is",
            f"Run it by itself: {program} --version",
            "The capture was not looked at",
        ) from None


def _capture(*arguments: Any, **more: Any) -> Any:
    """A capture as tshark reads it."""
    from pyshark import FileCapture

    class Capture(FileCapture):  # type: ignore[misc]
        """`ended_with`: how tshark ended, a signal as a negative number."""

        ended_with = 0

        def _created_new_process(self, parameters: Any, process: Any, **_: Any) -> None:
            """One that has ended by now may be told from one that runs on by its code later."""
            self._running_processes.add(process)

        async def _cleanup_subprocess(self, process: Any) -> None:
            """How it ended, which pyshark may miss: it kills a tshark that is about to end."""
            if process.returncode is None and not self._eof_reached:
                with suppress(ProcessLookupError):
                    process.kill()
            self.ended_with = await process.wait()

        async def _handle_process_stderr_forever(self, stderr: Any) -> None:
            """What it complains of may quote the file, in any bytes: nobody needs it."""
            while await stderr.read(1 << 16):
                pass

    return Capture(*arguments, **more)


def _no_config() -> None:
    """No file says where tshark is: `PATH` does."""


def _loop() -> asyncio.AbstractEventLoop:
    """A loop of its own, which learns how its child ended: before 3.12 a thread may miss that."""
    loop = asyncio.new_event_loop()
    if sys.version_info < (3, 12):
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(loop)
        asyncio.set_child_watcher(watcher)
    return loop


def _note(heard: dict[EndPair, Heard], packet: Any) -> None:
    """What tshark shows of one packet."""
    network = next((packet[name] for name in ("ip", "ipv6") if name in packet), None)
    if network is None or "tcp" not in packet:
        return
    ends = frozenset(
        {(str(network.src), int(packet.tcp.srcport)), (str(network.dst), int(packet.tcp.dstport))}
    )
    here = heard.setdefault(ends, Heard())
    here.note(int(packet.number))
    for layer in packet.layers:
        if layer.layer_name not in ("http", "http2"):
            continue
        for method in _values(layer, ("request_method", "headers_method")):
            here.asked(method)
        for status in _values(layer, ("response_code", "headers_status")):
            here.answered(status)


def _values(layer: Any, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        found = layer.get_field(name)
        if found is not None:
            for each in found.all_fields:
                yield str(each.get_default_value())
