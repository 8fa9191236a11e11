"""One invocation: runs are found; what the tables do not hold already is judged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from inspector.fleet.cell import RunTask
from inspector.fleet.discovery import discover
from inspector.fleet.engines import Engine
from inspector.fleet.judging import stamp_of
from inspector.fleet.run_ids import PathPattern
from inspector.fleet.settings import FleetSettings
from inspector.fleet.store import Store
from inspector.fleet.tables import Failure


@dataclass(slots=True)
class Outturn:
    """What became of the runs that were found."""

    found: int = 0
    """Runs that were found."""
    unread: int = 0
    """Of these, runs whose files were not even opened: the tables hold them."""
    unchanged: int = 0
    """Runs whose files were read and are those of their row."""
    judged: int = 0
    """Runs that were judged anew."""
    failures: Counter[Failure] = field(default_factory=Counter)
    """Of these, runs of which there is no judgement, by the reason."""


def judge_all(
    arguments: Iterable[str],
    store: Store,
    settings: FleetSettings,
    engine: Engine,
    *,
    pattern: PathPattern | None = None,
    rejudge: bool = False,
    on_progress: Callable[[Outturn], None] = lambda _: None,
) -> Outturn:
    """Judge what the tables of `store` do not hold; `settings` are sealed.  Raises `InUse`."""
    tally = Outturn()

    def questions() -> Iterator[RunTask]:
        for run in discover(arguments, pattern, leave_out=store.directory):
            tally.found += 1
            known = None if rejudge else store.known.get(run.key)
            if known is not None and known.settings in (settings.digest, settings.limited_digest):
                if known.stamp and known.stamp == stamp_of(run, time.time_ns()):
                    tally.unread += 1
                    continue
                yield RunTask(run, known.inputs)
            else:
                yield RunTask(run)

    with store.writing():
        for told in engine(questions(), settings):
            if told.is_unchanged:
                tally.unchanged += 1
            else:
                tally.judged += 1
                store.add(told)
                if told.failure is not None:
                    tally.failures[told.failure] += 1
            on_progress(tally)
    return tally
