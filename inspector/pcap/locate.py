"""From a command's argument to capture files and what lies beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, TypeAlias

from inspector.errors import NotACapture
from inspector.fact import Fact
from inspector.regex import regex

#: `.pcap3` is what tcpdump -C calls its fourth file.
_CAPTURE: Final = regex(r"\.(?:pcap|pcapng|cap)\d*(?:\.(?:gz|zst))?$", re.IGNORECASE)
_KEY_LOG: Final = regex(r"(?:^|.*[._-])(?:keys?|sslkeys?|sslkeylog)\.(?:log|txt)$|.*\.keylog$")
_LOG: Final = regex(r".*\.(?:log|jsonl)(?:\.\d+)?(?:\.gz)?$|policy-manifest\.json$")
#: A redacted copy that a command of this program left: what it was made of may lie beside it.
_COPY: Final = regex(r"\.redacted\.pcapng\d*$")
#: Where the firewall keeps the API proxy's logs, beside Squid's.
LOGS_OF_PROXY: Final = "api-proxy-logs"

FileKind: TypeAlias = Literal["capture", "key-log", "log"]


class Located(Fact):
    """What one argument stands for; all tuples are sorted by name.

    `logs` are the firewall's own logs (Squid's, the API proxy's), `key_logs`
    TLS key logs; both only for a directory.
    """

    captures: tuple[str, ...]
    logs: tuple[Path, ...] = ()
    key_logs: tuple[Path, ...] = ()


def holds_copies_alone(directory: Path) -> bool:
    """Whether all captures in a directory are redacted copies, if there are any."""
    return all(
        _COPY.search(entry.name)
        for entry in directory.iterdir()
        if entry.is_file() and _CAPTURE.search(entry.name)
    )


def kind_of(name: str) -> FileKind | None:
    """What a file in a directory is, by its name; None for what nobody reads."""
    if _CAPTURE.search(name):
        return "capture"
    if _KEY_LOG.match(name):
        return "key-log"
    return "log" if _LOG.match(name) and name != "exchanges.jsonl" else None  # which a run leaves


def preferred(captures: Iterable[str]) -> list[str]:
    """Of the captures of a directory those that are called `capture.*`, else all of them.

    A redacted copy stands back for its original.
    """
    names = list(captures)
    names = [name for name in names if not _COPY.search(name)] or names
    return [name for name in names if name.split(".", 1)[0] == "capture"] or names


def locate(argument: str | Path) -> Located:
    """The capture files meant by a path, a directory or `-`.

    A directory stands for its `capture.*` if it has one, else for all its
    capture files, and for the logs beside them.  Redacted copies (`*.redacted.pcapng`) count
    only where there is nothing else: with what they were made of every packet would be there
    twice.  Raises `NotACapture` for a directory without a capture.
    """
    path = Path(argument)
    if str(argument) == "-" or not path.is_dir():
        return Located((str(argument),))
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    captures = {file.name: file for file in files if kind_of(file.name) == "capture"}
    if not captures:
        raise NotACapture(
            f"The directory {path} holds no capture file (*.pcap, *.pcapng, *.cap)",
            "Name the capture itself if it has another ending; runs below a directory are judged by"
            " inspector fleet",
        )
    inner = path / LOGS_OF_PROXY
    if inner.is_dir():
        files += sorted(entry for entry in inner.iterdir() if entry.is_file())
    return Located(
        tuple(str(captures[name]) for name in preferred(captures)),
        tuple(file for file in files if kind_of(file.name) == "log"),
        tuple(file for file in files if kind_of(file.name) == "key-log"),
    )
