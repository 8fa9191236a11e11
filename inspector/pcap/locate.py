"""From a command's argument to capture files and what lies beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from inspector.errors import NotACapture

#: `.pcap3` is what tcpdump -C calls its fourth file.
_CAPTURE: Final = re.compile(r"\.(?:pcap|pcapng|cap)\d*(?:\.(?:gz|zst))?$", re.IGNORECASE)
_KEY_LOG: Final = re.compile(r"(?:^|.*[._-])(?:keys?|sslkeys?|sslkeylog)\.(?:log|txt)$|.*\.keylog$")
_LOG: Final = re.compile(r".*\.(?:log|jsonl)(?:\.\d+)?(?:\.gz)?$|policy-manifest\.json$")
#: A redacted copy that a command of this program left: what it was made of may lie beside it.
_COPY: Final = re.compile(r"\.redacted\.pcapng\d*$")
#: Where the firewall keeps the API proxy's logs, beside Squid's.
_LOGS_OF_PROXY: Final = "api-proxy-logs"


class Located(NamedTuple):
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
    captures = [file for file in files if _CAPTURE.search(file.name)]
    captures = [file for file in captures if not _COPY.search(file.name)] or captures
    named = [file for file in captures if file.name.split(".", 1)[0] == "capture"]
    if not captures:
        raise NotACapture(
            f"The directory {path} holds no capture file (*.pcap, *.pcapng, *.cap)",
            "Name the capture itself if it has another ending",
        )
    inner = path / _LOGS_OF_PROXY
    if inner.is_dir():
        files += sorted(entry for entry in inner.iterdir() if entry.is_file())
    key_logs = tuple(file for file in files if _KEY_LOG.match(file.name))
    return Located(
        tuple(str(file) for file in named or captures),
        tuple(file for file in files if _LOG.match(file.name) and file not in key_logs),
        key_logs,
    )
