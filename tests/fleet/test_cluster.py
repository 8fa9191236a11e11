"""2,000 runs in processes of this machine and in a cluster that loses a worker; runs in S3.

The scheduler, its workers and the S3-compatible server are real programs, on loopback.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from inspector.fleet import engines
from inspector.fleet.cell import RunTask
from inspector.fleet.judging import Judged
from inspector.fleet.run_ids import PathPattern
from inspector.fleet.settings import FleetSettings
from inspector.fleet.tables import TABLES
from tests.fleet.many import make
from tests.fleet.runs import CAPTURES, golden, judge, rows

pytestmark = pytest.mark.long

RUNS: Final = 2_000
#: After so many answers a worker is killed.
KILLED_AFTER: Final = 600
_REASON: Final = "install requirements/real.txt, as make test-real does"


@contextmanager
def program(
    *command: str, environ: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs until the block ends; what it says is not looked at."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def eventually(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for another program, which tells nobody when it is ready."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("many")
    make(place / "runs", RUNS)
    return place


@pytest.fixture(scope="module")
def local(place: Path) -> dict[str, list[dict[str, Any]]]:
    """The tables that processes of this machine make."""
    outturn, store = judge(
        place / "runs", place / "local", form=None,
        engine=partial(engines.local, jobs=2), pattern=PathPattern("{repository}/{run}"),
    )  # fmt: skip
    assert outturn.judged == outturn.found == RUNS
    return {table: rows(store, table) for table in TABLES}


def test_a_second_invocation_reads_nothing(
    place: Path, local: dict[str, list[dict[str, Any]]]
) -> None:
    outturn, _ = judge(
        place / "runs", place / "local", form=None, pattern=PathPattern("{repository}/{run}")
    )
    assert (outturn.unread, outturn.judged, outturn.unchanged) == (RUNS, 0, 0)


def test_damaged_runs_are_rows(local: dict[str, list[dict[str, Any]]]) -> None:
    failures = [row["failure"] for row in local["runs"]]
    assert failures.count("not-a-capture") == RUNS // 41
    assert {row["completeness"] for row in local["runs"] if "file-cut" in row["unread"]} == {
        "incomplete"
    }


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers on loopback: its address, and the workers."""
    pytest.importorskip("distributed", reason=_REASON)
    told = folder / "scheduler.json"
    root = str(Path(__file__).parents[2])
    environ = {**os.environ, "PYTHONPATH": root, "DASK_DISTRIBUTED__WORKER__DAEMON": "True"}
    python = (sys.executable, "-m")
    with ExitStack() as held:
        held.enter_context(
            program(
                *python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
                "--no-dashboard", "--scheduler-file", str(told), environ=environ,
            )
        )  # fmt: skip
        eventually(told.exists)
        workers = [
            held.enter_context(
                program(
                    *python, "distributed.cli.dask_worker", "--scheduler-file", str(told),
                    "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
                    "--local-directory", str(folder), environ=environ,
                )
            )
            for _ in range(2)
        ]  # fmt: skip
        from distributed import Client

        with Client(scheduler_file=str(told), set_as_default=False) as client:
            client.wait_for_workers(2)
            address = client.scheduler.address
        yield address, workers


def test_a_cluster_that_loses_a_worker_gives_the_same_tables(
    place: Path, local: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    with cluster(tmp_path) as (address, (first, _)):

        def engine(tasks: Iterable[RunTask], settings: FleetSettings) -> Iterator[Judged]:
            for number, told in enumerate(engines.dask(tasks, settings, scheduler=address)):
                if number == KILLED_AFTER:
                    first.send_signal(signal.SIGKILL)
                yield told

        outturn, store = judge(
            place / "runs", place / "dask", form=None, engine=engine,
            pattern=PathPattern("{repository}/{run}"),
        )  # fmt: skip
        assert first.wait() == -signal.SIGKILL
    assert outturn.judged == RUNS
    for table in TABLES:
        assert rows(store, table) == local[table]


# -- S3 ------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of an S3-compatible server on loopback."""
    pytest.importorskip("moto", reason=_REASON)
    pytest.importorskip("s3fs", reason=_REASON)
    import boto3
    from moto.server import ThreadedMotoServer

    for name, value in (
        ("AWS_ACCESS_KEY_ID", "LABONLY"),
        ("AWS_SECRET_ACCESS_KEY", "LABONLY"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        boto3.client("s3").create_bucket(Bucket="artifacts")
        yield "artifacts"
    finally:
        server.stop()


def test_runs_in_s3_give_the_rows_of_a_folder(bucket: str, tmp_path: Path) -> None:
    import boto3

    for name in ("healthy-json", "h4-401-inside-tunnel"):
        golden(name, tmp_path / "runs" / name, only=["capture.pcapng", "access.log"])
    shutil.make_archive(str(tmp_path / "runs" / "zipped"), "zip", CAPTURES / "squid-denied")
    store_of_s3 = boto3.client("s3")
    for path in (tmp_path / "runs").rglob("*"):
        if path.is_file():
            name = path.relative_to(tmp_path).as_posix()
            store_of_s3.upload_file(str(path), bucket, name)
    engine = partial(engines.local, jobs=1)
    _, here = judge(tmp_path / "runs", tmp_path / "here", engine=engine)
    store_outturn, there = judge(
        f"s3://{bucket}/runs",
        tmp_path / "there",
        engine=engine,
    )
    assert store_outturn.judged == 3
    places = ("key", "source", "run", "stamp")
    assert [
        {name: value for name, value in row.items() if name not in places}
        for row in sorted(rows(there), key=lambda row: row["run"])
    ] == [
        {name: value for name, value in row.items() if name not in places}
        for row in sorted(rows(here), key=lambda row: row["run"])
    ]
    again, _ = judge(f"s3://{bucket}/runs", tmp_path / "there")
    assert (again.unread, again.judged) == (3, 0)


def test_an_object_that_is_named_by_a_presigned_url_is_shown_without_its_token(
    bucket: str, tmp_path: Path
) -> None:
    import boto3

    client = boto3.client("s3")
    capture = CAPTURES / "healthy-json" / "capture.pcapng"
    client.upload_file(str(capture), bucket, "one/capture.pcapng")
    url = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "one/capture.pcapng"}
    )
    assert "Signature" in url
    outturn, store = judge(url, tmp_path / "out", engine=partial(engines.local, jobs=1))
    assert (outturn.judged, outturn.failures) == (1, {})
    [run] = rows(store)
    assert "Signature" not in str(run)
    assert "LABONLY" not in str(run)
