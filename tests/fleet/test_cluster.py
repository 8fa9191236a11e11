"""2,000 runs in processes of this machine and in a cluster that loses a worker; runs in S3.

The scheduler, its workers and the S3-compatible server are real programs, on loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from inspector import Report, inspect
from inspector.errors import NotACapture
from inspector.fleet import engines
from inspector.fleet.cell import RunTask
from inspector.fleet.judging import Judged
from inspector.fleet.run_ids import PathPattern
from inspector.fleet.settings import FleetSettings
from inspector.fleet.store import Store
from inspector.fleet.tables import TABLES
from inspector.report.formats.whole import from_dict
from tests.fleet.analyzed import calls_add_up, expected, seen
from tests.fleet.many import make
from tests.fleet.runs import CAPTURES, SETTINGS, golden, judge, rows

pytestmark = pytest.mark.long

RUNS: Final = 2_000
#: Of these so many are looked at by the command itself; the others as it looks at them.
BY_COMMAND: Final = 20
#: After so many answers a worker is killed.
KILLED_AFTER: Final = 600
_REASON: Final = "install requirements/real.txt, as make test-real does"


@contextmanager
def program(
    *command: str, environ: dict[str, str] | None = None, stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs until the block ends."""
    process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL, env=environ)
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


def test_each_row_is_what_analyze_says_of_its_capture(
    place: Path, local: dict[str, list[dict[str, Any]]]
) -> None:
    store = Store.opened(place / "local")
    of_run: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for table in TABLES:
        for row in store.rows(table):
            of_run.setdefault(row["key"], {name: [] for name in TABLES})[table].append(row)
    assert len(of_run) == RUNS
    failures: Counter[str | None] = Counter()
    for number, tables in enumerate(of_run.values()):
        [run] = tables["runs"]
        failures[run["failure"]] += 1
        capture = Path(run["source"]) / "capture.pcapng"
        if run["failure"] == "not-a-capture":
            with pytest.raises(NotACapture):
                inspect(capture)
            continue
        options = SETTINGS.options
        by_command = number % (RUNS // BY_COMMAND) == 0
        report = analyzed(capture, place) if by_command else inspect(capture, options=options)
        wanted = expected(report)
        assert seen(tables, wanted) == wanted, run["source"]
        assert calls_add_up(run, tables["exchanges"]), run["source"]
    assert failures == {None: RUNS - RUNS // 41, "not-a-capture": RUNS // 41}


def analyzed(capture: Path, place: Path) -> Report:
    """What the command says of a capture, with the key of the fleet."""
    key = place / "key"
    key.write_bytes(SETTINGS.options.fingerprint_key or b"")
    command = ("analyze", "--format", "json", "--fingerprint-key", str(key), str(capture))
    done = subprocess.run(
        (sys.executable, "-m", "inspector", *command), capture_output=True, check=True
    )
    return from_dict(json.loads(done.stdout))


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
    again, _ = judge(
        place / "runs", place / "dask", form=None, pattern=PathPattern("{repository}/{run}")
    )
    assert (again.unread, again.judged, again.unchanged) == (RUNS, 0, 0)


# -- S3 ------------------------------------------------------------------------------


#: An S3-compatible server on loopback, which says at which port.
_S3: Final = """
import signal
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
signal.pause()
"""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a server that is a program of its own."""
    pytest.importorskip("moto", reason=_REASON)
    pytest.importorskip("s3fs", reason=_REASON)
    import boto3

    for name, value in (
        ("AWS_ACCESS_KEY_ID", "LABONLY"),
        ("AWS_SECRET_ACCESS_KEY", "LABONLY"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    with program(sys.executable, "-c", _S3, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        with server.stdout:
            port = int(server.stdout.readline())
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        boto3.client("s3").create_bucket(Bucket="artifacts")
        yield "artifacts"


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
