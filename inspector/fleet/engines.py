"""Who judges: cells of this machine, one a core, or the workers of a Dask cluster.

An engine takes questions as they are found and gives answers as they come, in any order.  It holds
a bounded number of either, however many runs there are.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from queue import Queue
from threading import Event, Lock, Thread
from threading import local as local_of_thread
from typing import Any, Final, TypeAlias

from inspector.errors import ExitCode, InspectorError
from inspector.fleet.batch import Keeper
from inspector.fleet.cell import Cell, RunTask
from inspector.fleet.judging import Judged, failed
from inspector.fleet.settings import FleetSettings

Engine: TypeAlias = Callable[[Iterable[RunTask], FleetSettings], Iterator[Judged]]

#: Runs of one task of a cluster: some seconds of work, so that what a task costs does not count.
TASK_RUNS: Final = 64
#: Bytes of the files of one task, beyond which it takes no further run.
TASK_BYTES: Final = 256 << 20
#: Tasks that wait in a cluster for each of its threads.
_TASKS_AHEAD: Final = 3
#: Answers that wait to be stored.
_WAITING: Final = 256


class NoCluster(InspectorError):
    """A scheduler that does not answer, or the library that would ask it is not installed."""

    exit_code = ExitCode.USAGE


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0))


def local(
    questions: Iterable[RunTask],
    settings: FleetSettings,
    *,
    jobs: int = 0,
    make_cell: Callable[[FleetSettings], Cell] = Cell,
) -> Iterator[Judged]:
    """Judge in cells of this machine, `jobs` of them; 0: one a core."""
    source = _Shared(questions)
    answers: Queue[Judged | BaseException | None] = Queue(_WAITING)
    stopped = Event()
    keepers: list[Keeper] = []

    def work() -> None:
        try:
            with Keeper(settings, make_cell) as keeper:
                keepers.append(keeper)
                for told in keeper.judged(source):
                    answers.put(told)
                    if stopped.is_set():
                        return
        except BaseException as error:
            answers.put(error)
        finally:
            answers.put(None)

    threads = [Thread(target=work, name=f"fleet-{n}") for n in range(jobs or cores())]
    for thread in threads:
        thread.start()
    left = len(threads)
    try:
        while left:
            told = answers.get()
            if isinstance(told, BaseException):
                raise told
            if told is None:
                left -= 1
            else:
                yield told
    finally:
        stopped.set()
        source.close()
        for keeper in keepers:
            keeper.stop()
        while any(thread.is_alive() for thread in threads):
            while not answers.empty():
                answers.get_nowait()
            threads[0].join(0.05) if threads[0].is_alive() else threads.pop(0)


class _Shared(Iterator[RunTask]):
    """An iterator that several threads take from."""

    def __init__(self, items: Iterable[RunTask]) -> None:
        self._items = iter(items)
        self._lock = Lock()
        self._is_closed = False

    def __next__(self) -> RunTask:
        with self._lock:
            if self._is_closed:
                raise StopIteration
            return next(self._items)

    def close(self) -> None:
        """There are no more, whatever is left."""
        self._is_closed = True


def tasks(questions: Iterable[RunTask]) -> Iterator[list[RunTask]]:
    """Questions in batches for the tasks of a cluster."""
    batch: list[RunTask] = []
    size = 0
    for question in questions:
        batch.append(question)
        size += question.run.size
        if len(batch) >= TASK_RUNS or size >= TASK_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Own(local_of_thread):
    """What a thread of a worker keeps from task to task: a cell takes a second to make."""

    keeper: Keeper | None = None
    digest: str = ""


_own: Final = _Own()


def judge_task(batch: list[RunTask], settings: FleetSettings) -> list[Judged]:
    """One task: what a thread of a cluster's worker calls."""
    if _own.keeper is None or _own.digest != settings.digest:
        if _own.keeper is not None:
            _own.keeper.close()
        _own.keeper, _own.digest = Keeper(settings), settings.digest
        atexit.register(_own.keeper.close)
    return list(_own.keeper.judged(batch))


def dask(
    questions: Iterable[RunTask], settings: FleetSettings, *, scheduler: str
) -> Iterator[Judged]:
    """Judge in the workers of a Dask cluster; the scheduler gives a dead worker's tasks to others.

    Its workers need this program and must reach the files by the same paths or URLs.  The
    fingerprint key travels to them: a scheduler on a network ought to speak TLS.  Raises
    `NoCluster`.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise NoCluster(
            "The engine dask needs the library distributed, which is not installed",
            "Install inspector[dask]",
            "The engine local needs nothing",
        ) from None
    try:
        client: Any = Client(scheduler, set_as_default=False, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise NoCluster(
            f"No Dask scheduler answers at the address of --scheduler ({type(error).__name__})",
            "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from None
    with client:
        ahead = _TASKS_AHEAD * max(1, sum(client.nthreads().values()))
        waiting = tasks(questions)

        batches: dict[str, list[RunTask]] = {}

        def submitted(count: int) -> list[Any]:
            futures = []
            for batch in islice(waiting, count):
                future = client.submit(judge_task, batch, settings, pure=False)
                batches[future.key] = batch
                futures.append(future)
            return futures

        pending = as_completed(submitted(ahead), loop=client.loop)
        for future in pending:
            batch = batches.pop(future.key)
            try:
                yield from future.result()
            except Exception as error:  # as many workers died of it as the scheduler allows
                told = f"the cluster gave its task up ({type(error).__name__})"
                yield from (failed(each.run, settings, "worker-died", told) for each in batch)
            future.release()
            for more in submitted(1):
                pending.add(more)
