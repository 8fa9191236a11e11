"""Capture files, and the logs beside them, from their paths to a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.errors import plain_parts
from inspector.fact import replace
from inspector.inspection import Inspector, OnExchange, OnTunnel, Sources
from inspector.model.report import Report
from inspector.options import Options
from inspector.pcap.beside import log_lines
from inspector.pcap.locate import locate
from inspector.pcap.pipes import Stop
from inspector.pcap.reader import CaptureReader, merged, open_captures
from inspector.session_keys import SessionKeys

if TYPE_CHECKING:
    from inspector.redaction import Copies


def inspect_captures(
    paths: Sequence[str | Path],
    options: Options | None = None,
    *,
    on_progress: Callable[[int, int | None], None] | None = None,
    on_exchange: OnExchange | None = None,
    on_tunnel: OnTunnel | None = None,
    stop: Stop | None = None,
    copies: Copies | None = None,
) -> Report:
    """Read captures, merged by time, and report what they show.

    A path is a file, a directory with a capture in it, or `-`.  `on_progress`
    is told the bytes read so far and their total (None when a size is not
    known).  A pipe is read until `stop` is asked, if it does not end before: the
    report is of what came until then.  `copies` are made of the captures while they
    are read, with one vault for them and the report.  Raises `InspectorError` when a file
    cannot be read or is no capture; whatever is wrong inside one is in the report.
    """
    located = [locate(path) for path in paths]
    files = [name for found in located for name in found.captures]
    keys = SessionKeys(options or Options(), located)
    inspector = Inspector(
        options,
        on_exchange=on_exchange,
        on_tunnel=on_tunnel,
        audience=None if copies is None else copies.redactor,
        vault=None if copies is None else copies.redactor.masker.vault,
        keys=keys.store,
    )
    feed = inspector.feed if copies is None else copies.feed
    logs = (*(options.logs if options else ()), *(log for found in located for log in found.logs))
    tell: Callable[[int], None] | None = None
    if on_progress is not None:
        total = _total_size(files)
        report_progress = on_progress
        read = 0

        def tell(more: int) -> None:
            nonlocal read
            read += more
            report_progress(read, total)

    readers = open_captures(files, tell, stop, hashed=True)
    if copies is not None:
        copies.begin(readers, inspector)
    try:
        for batch in merged(readers):
            keys.take(readers)
            feed(batch)
        keys.take(readers)
        keys.end()
        for reader in readers:
            inspector.note_marks(reader.take_marks(), reader.file_index)
        if copies is not None:
            copies.end()
    finally:
        for reader in readers:
            reader.close()
    sources = _sources(readers)
    # A log that is named and lies beside the capture as well speaks once.
    once = {log.resolve(): log for log in reversed(logs)}
    sources.logs = tuple((log.name, log_lines(log)) for log in reversed(once.values()))
    sources.keys, sources.limits = keys.fact, keys.limits
    return inspector.finish(sources)


def inspect(
    path: str | Path,
    *more: str | Path,
    options: Options | None = None,
    on_exchange: OnExchange | None = None,
    on_tunnel: OnTunnel | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> Report:
    """The report of one capture, or of several taken at the same time, merged by time.

    A path is a file (pcap or pcapng, plain or compressed with gzip or zstd), a directory with a
    capture and the logs beside it, or `-` for standard input.  `on_exchange` and `on_tunnel` are
    told of each as it ends, before all is known of it: what the report has under the same id
    replaces it.  `on_progress` is told the bytes read so far and their total, None where that is
    not known.  Raises `InspectorError` when a file cannot be read or is no capture; whatever is
    wrong inside one is in the report.
    """
    return inspect_captures(
        (path, *more),
        options,
        on_progress=on_progress,
        on_exchange=on_exchange,
        on_tunnel=on_tunnel,
    )


def _sources(readers: Sequence[CaptureReader]) -> Sources:
    drops = [drop for reader in readers if (drop := reader.dropped_by_kernel) is not None]
    filters = [reader.capture_filter for reader in readers if reader.capture_filter]
    return Sources(
        captures=tuple(
            replace(reader.capture_file, name=plain_parts(reader.name)) for reader in readers
        ),
        faults=[fault for reader in readers for fault in reader.faults],
        dropped_by_kernel=sum(drops) if drops else None,
        capture_filter="; ".join(dict.fromkeys(filters)) or None,
    )


def _total_size(files: Sequence[str]) -> int | None:
    try:
        return sum(Path(name).stat().st_size for name in files) if "-" not in files else None
    except OSError:
        return None
