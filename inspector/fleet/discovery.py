"""What a run is: one rule, by names alone, so that nothing is read to find it.

1. A folder with a `report.json` is a run, and the report is read: captures beside it are its copy.
2. Else its captures are a run: those called `capture.*`, with the firewall's logs and key logs
   beside them, as `analyze` takes a directory.
3. Files of a ring are one capture (`x.pcap3`, `x-00002.pcapng`, `x_00002_20261129101500.pcap`),
   captures of two interfaces are (`x-fw-bridge.pcap`, `x-awf-ext.pcap`), and a redacted copy
   beside its original is passed over.  If different captures are left, each is a run by itself,
   and the logs beside them, which are nobody's, are not read.
4. Zips are folders; a file that is named is a run by itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from inspector.errors import plain_parts
from inspector.fact import Fact, field, replace
from inspector.fleet.files import File, Folder, bare, folders, is_url, shown
from inspector.fleet.run_ids import PathPattern
from inspector.pcap.locate import kind_of, locate, preferred
from inspector.regex import regex

REPORT: Final = "report.json"
#: Digits of a run's key: 64 bits tell a million runs apart (collision: 3 in 100 million).
KEY_DIGITS: Final = 16

_ENDING: Final = regex(r"\.(?:pcap|pcapng|cap)\d*(?:\.(?:gz|zst))?$", re.IGNORECASE)
#: How dumpcap and this program number the files of a ring; tcpdump numbers the ending.
_IN_RING: Final = regex(r"(?:_\d{5}_\d{14}|-\d{5})$")
#: Names of interfaces: the firewall's, Docker's, the kernel's.
_INTERFACE: Final = regex(
    r"(?:^|[-_.])(?:fw-bridge|awf-net|awf-ext|br-[0-9a-f]{12}|docker\d|veth[0-9a-f]+"
    r"|(?:eth|ens|enp\d+s|wlan)\d+|any|lo)$"
)


class FoundRun(Fact):
    """The files of one run, and what it is called.

    `size` is that of all its files; `trouble` says why nothing of it can be read.
    """

    key: str
    run: str
    source: str
    labels: Mapping[str, str]
    report: File | None = None
    captures: tuple[File, ...] = ()
    logs: tuple[File, ...] = ()
    key_logs: tuple[File, ...] = ()
    trouble: str | None = field(default=None)

    @property
    def files(self) -> tuple[File, ...]:
        """All that is read."""
        if self.report is not None:
            return (self.report,)
        return (*self.captures, *self.logs, *self.key_logs)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def discover(
    arguments: Iterable[str], pattern: PathPattern | None = None, *, leave_out: Path | None = None
) -> Iterator[FoundRun]:
    """The runs of all arguments, each once, in the order in which they are found."""
    seen: set[str] = set()
    for argument in arguments:
        for folder in folders(argument, leave_out=leave_out):
            for run in runs_of(folder, pattern):
                if run.key not in seen:
                    seen.add(run.key)
                    yield run


def runs_of(folder: Folder, pattern: PathPattern | None = None) -> Iterator[FoundRun]:
    """The runs of one folder."""
    named = _named(folder, "", pattern)
    if folder.trouble is not None:
        yield replace(named, captures=folder.files, trouble=folder.trouble)
        return
    by_name = {file.name: file for file in folder.files}
    if _is_alone(folder):
        yield _alone(named, folder.files[0])
        return
    if REPORT in by_name:
        yield replace(named, report=by_name[REPORT])
        return
    captures = [name for name in by_name if "/" not in name and kind_of(name) == "capture"]
    groups = together(preferred(captures))
    if len(groups) == 1:
        kinds = {name: kind_of(name.rpartition("/")[2]) for name in sorted(by_name)}
        yield replace(
            named,
            captures=tuple(by_name[name] for name in groups[0]),
            logs=tuple(by_name[name] for name, kind in kinds.items() if kind == "log"),
            key_logs=tuple(by_name[name] for name, kind in kinds.items() if kind == "key-log"),
        )
        return
    for group in groups:
        yield replace(
            _named(folder, group[0], pattern), captures=tuple(by_name[name] for name in group)
        )


def together(captures: Iterable[str]) -> list[list[str]]:
    """Names of captures in groups, each of one run, in the order of their first names."""
    groups: dict[str, list[str]] = {}
    for name in sorted(captures):
        stem = _INTERFACE.sub("", _IN_RING.sub("", _ENDING.sub("", name)))
        groups.setdefault(stem, []).append(name)
    return sorted(groups.values())


def unrelated(argument: str) -> int:
    """How many captures of a directory do not look like one run; 0 where they do.

    `analyze` merges all of them by time.
    """
    groups = together(Path(name).name for name in locate(argument).captures)
    return len(groups) if len(groups) > 1 else 0


def _is_alone(folder: Folder) -> bool:
    """Whether the argument names a file."""
    return len(folder.files) == 1 and bare(folder.files[0].place) == bare(folder.home)


def _alone(named: FoundRun, file: File) -> FoundRun:
    is_report = file.name.lower().endswith(".json")
    return replace(named, report=file) if is_report else replace(named, captures=(file,))


def _named(folder: Folder, file: str, pattern: PathPattern | None) -> FoundRun:
    home = bare(folder.home).rstrip("/") or "/"
    below = "/".join(filter(None, (folder.path, file)))
    whole = f"{home}/{below}" if below else home
    name = below or home.rpartition("/")[2]
    source = whole if is_url(whole) else str(Path(whole).absolute())
    key = hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:KEY_DIGITS]
    run, labels = (None, {}) if pattern is None else pattern.read(below)
    return FoundRun(key, run or plain_parts(name), shown(whole), labels)
