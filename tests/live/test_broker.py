"""The broker answers the questions of its table, to a parser that can reach no engine itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path

import pytest

from inspector.linux import seccomp
from inspector.linux.docker import DockerNetwork, DockerView
from inspector.live import broker as module
from inspector.live.attribution import ContainerNames
from inspector.live.broker import LONGEST_ANSWER, QUESTIONS, Broker, reply
from lab.docker import DockerNetwork as LabNetwork
from lab.docker_engine import EngineError
from lab.processes import until
from tests.live.engine import Engine, engine

#: The engine in the place of Docker is a thread of the tests'; the broker has no use for it.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def docker() -> Iterator[Engine]:
    # Not in tmp_path: whoever the broker becomes must reach the socket's directory.
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        with engine(place / "docker.sock") as running:
            running.listed[ONE] = "awf-agent"
            yield running


@pytest.fixture
def asked(docker: Engine) -> Iterator[Broker]:
    started = Broker.start(lambda: DockerView.open(str(docker.path)))
    yield started
    started.close()


def status(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


# --- what is asked -----------------------------------------------------------------------------


def test_a_container_has_its_name_by_its_id(docker: Engine, asked: Broker) -> None:
    assert asked.engine() == (str(docker.path), "")
    assert asked.container_name(ONE) == "awf-agent"
    assert asked.container_name(TWO) is None


def test_a_container_that_came_and_went_unlisted_has_its_name(
    docker: Engine, asked: Broker
) -> None:
    asked.engine()
    assert docker.heard.wait(10)
    docker.tell(TWO, "short-lived")

    until(lambda: asked.container_name(TWO) == "short-lived", "the event to be heard")
    assert TWO not in docker.listed


def test_a_container_without_a_network_of_its_own_has_its_name(
    docker: Engine, asked: Broker
) -> None:
    """`--network host` and `--network container:X`: listed without any address."""
    docker.listed[THREE] = "on-the-hosts-network"
    assert asked.container_name(THREE) == "on-the-hosts-network"


def test_networks_come_through_as_the_engine_tells_them(docker: Engine, asked: Broker) -> None:
    docker.networks.append(
        {
            "Name": "awf-net",
            "Id": "f" * 64,
            "Driver": "bridge",
            "IPAM": {"Config": [{"Subnet": "172.30.0.0/24"}, {"Subnet": "fd00::/64"}]},
            "Options": {"com.docker.network.bridge.name": "fw-bridge"},
            "Internal": True,
        }
    )
    assert asked.networks() == [
        DockerNetwork(
            name="awf-net",
            id="f" * 64,
            device="fw-bridge",
            subnets=(ip_network("172.30.0.0/24"), ip_network("fd00::/64")),
            internal=True,
        )
    ]


def test_without_an_engine_the_reason_is_told() -> None:
    started = Broker.start(lambda: DockerView.open("/nonexistent/docker.sock"))
    path, trouble = started.engine()
    assert path == "/nonexistent/docker.sock"
    assert trouble == "no Docker engine here (/nonexistent/docker.sock is not there)"
    assert started.container_name(ONE) is None
    started.close()


def test_names_are_asked_for_once_and_for_the_unknown_no_more_than_once_a_second() -> None:
    asked: list[str] = []

    def ask(identity: str) -> str | None:
        asked.append(identity)
        return {ONE: "awf-agent"}.get(identity)

    names = ContainerNames(ask)
    assert [names(each) for each in (ONE, ONE, TWO, TWO)] == ["awf-agent", "awf-agent", None, None]
    assert asked == [ONE, TWO]


# --- what is refused ---------------------------------------------------------------------------


class Untouched:
    """An engine that must not be asked."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the engine was asked for {name}")


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (b"", b""),
        (b"container", b""),
        (b"1", b""),
        (b"1 container " + b"1" * 64 + b"\n", b""),
        (b"1 container " + b"1" * 65, b""),
        (b"1 engine\0", b""),
        (b"-1 engine", b""),
        (b"1" * 10 + b" engine", b""),
        (b"POST /containers/create HTTP/1.1\r\n\r\n", b""),
        (b"\xff\xfe", b""),
        (b"7 container", b"[7, null]"),
        (b"7 container " + b"1" * 63, b"[7, null]"),
        (b"7 container " + b"A" * 64, b"[7, null]"),
        (b"7 container ../../networks", b"[7, null]"),
        (b"7 engine now", b"[7, null]"),
        (b"7 attach 1234", b"[7, null]"),
        (b"7 networks " + b"1" * 64, b"[7, null]"),
    ],
)
def test_what_is_none_of_the_questions_is_refused_without_asking_anybody(
    message: bytes, answer: bytes
) -> None:
    assert reply(Untouched(), message) == answer  # type: ignore[arg-type]


def test_the_questions_are_these() -> None:
    assert set(QUESTIONS) == {b"engine", b"networks", b"container"}


def test_an_answer_is_bounded(docker: Engine) -> None:
    view = DockerView.open(str(docker.path))
    known = module.Engine(view)
    docker.networks += [
        {"Name": f"net-{number}", "Id": f"{number:064}", "Driver": "bridge"}
        for number in range(LONGEST_ANSWER // 64)
    ]
    assert reply(known, b"3 networks") == b"[3, null]"
    docker.networks[2:] = []
    assert len(json.loads(reply(known, b"4 networks"))[1]) == 2
    view.close()
    assert known.events is not None
    known.events.close()


# --- how it lives and ends ---------------------------------------------------------------------


def test_it_ends_when_the_parser_does(docker: Engine) -> None:
    started = Broker.start(lambda: DockerView.open(str(docker.path)))
    started.engine()
    started.close()
    started.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(started.pid, 0)


def test_a_parser_that_is_killed_takes_it_along(docker: Engine) -> None:
    script = f"""
import time
from inspector.linux.docker import DockerView
from inspector.live.broker import Broker
started = Broker.start(lambda: DockerView.open({str(docker.path)!r}))
started.engine()
print(started.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout
        pid = int(it.stdout.readline())
        it.kill()
        it.wait()
    until(lambda: _is_gone(pid), "the broker to end")


def _is_gone(pid: int) -> bool:
    """Gone, or ended and not yet looked for by whoever inherited it."""
    try:
        return status(pid)["State"][0] == "Z"
    except OSError:
        return True


def test_when_it_ends_first_names_are_absent_and_that_is_said(
    docker: Engine, asked: Broker
) -> None:
    asked.engine()
    os.kill(asked.pid, signal.SIGKILL)

    assert asked.container_name(ONE) is None
    assert asked.trouble == "the process that asks the Docker engine has ended"
    assert asked.networks() == []


def test_the_signals_that_end_a_capture_are_not_its_own(asked: Broker) -> None:
    asked.engine()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(asked.pid, number)
    assert asked.container_name(ONE) == "awf-agent"


def test_an_engine_that_ended_is_asked_anew(docker: Engine, asked: Broker) -> None:
    asked.engine()
    assert docker.heard.wait(10)
    docker.heard.clear()
    docker.told.put(None)  # the stream of events ends
    docker.listed[TWO] = "after-a-restart"

    until(lambda: asked.container_name(TWO) == "after-a-restart", "the engine to be asked anew")


# --- what it holds -----------------------------------------------------------------------------


@needs_root
@pytest.mark.parametrize(("group", "uid"), [(0, 0), (4321, 65534)])
def test_it_holds_no_more_than_the_right_to_connect(docker: Engine, group: int, uid: int) -> None:
    os.chown(docker.path, 0, group)
    docker.path.chmod(0o660)
    with Path(os.devnull).open("rb"):
        started = Broker.start(lambda: DockerView.open(str(docker.path)))
    assert started.engine() == (str(docker.path), "")
    now = status(started.pid)

    assert (now["Uid"], now["Gid"]) == ([str(uid)] * 4, [str(group)] * 4)
    for held in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(now[held][0], 16) == 0, held
    assert now["NoNewPrivs"] == ["1"]
    assert now["Name"] == ["inspector-ask"]
    if not seccomp.why_not():
        assert now["Seccomp"] == ["2"]
    held_open = [each.readlink() for each in Path(f"/proc/{started.pid}/fd").iterdir()]
    names = sorted(str(each).partition(":")[0] for each in held_open)
    # Null in the place of the terminal; the parser, the engine, its events.
    assert names == ["/dev/null"] * 3 + ["socket"] * 3
    started.close()


_PARSER = """
import os, socket, stat, sys
from inspector.linux.docker import DockerView
from inspector.live.broker import Broker
from inspector.live.command import User
from inspector.live.privileges import confine, give_up
path = sys.argv[1]
started = Broker.start(lambda: DockerView.open(path))
assert started.engine() == (path, "")
give_up(User(65534, 65534))
print(confine().state)

def refused(attempt):
    try:
        attempt()
    except PermissionError:
        return True
    return False

assert refused(lambda: socket.socket(socket.AF_UNIX).connect(path))
evil = b"POST /containers/create HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2\\r\\n\\r\\n{}"
for name in os.listdir("/proc/self/fd"):
    try:
        held = os.dup(int(name))
        if not stat.S_ISSOCK(os.fstat(held).st_mode):
            continue
    except OSError:
        continue
    channel = socket.socket(fileno=held)
    for message in (evil, b"1 container ../containers/create", b"1 create x", bytes(95)):
        channel.send(message)
try:
    os.kill(started.pid, 9)
except PermissionError:
    print("cannot be killed")
for file in ("mem", "fd/3"):
    try:
        os.open(f"/proc/{started.pid}/{file}", os.O_RDWR)
    except PermissionError:
        continue
    raise AssertionError(file)
print(started.container_name("1" * 64))
"""


@needs_root
def test_a_user_who_may_not_open_dockers_socket_cannot_reach_it_through_the_parser(
    docker: Engine,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PARSER, str(docker.path)], capture_output=True, text=True
    )

    lost = "lost" if seccomp.why_not() else "working"
    assert (done.stdout, done.stderr) == (f"{lost}\ncannot be killed\nawf-agent\n", "")
    known = {"GET /_ping", "GET /containers/json?all=1"}
    asked = {request for request, _ in docker.asked if not request.startswith("GET /events?")}
    assert asked == known


# --- on Docker ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(docker_possible: None) -> Iterator[LabNetwork]:
    with ExitStack() as stack:
        try:
            lab = stack.enter_context(LabNetwork(use_machines=False))
        except EngineError as error:
            pytest.skip(str(error))
        yield lab


@pytest.mark.parametrize("place", ["none", "host", "container:awf-agent"])
def test_docker_tells_of_containers_without_an_address_and_of_those_that_are_gone(
    network: LabNetwork, place: str
) -> None:
    docker = network.engine
    assert docker is not None
    assert docker.address is not None
    path = docker.address.removeprefix("unix://")
    create = ("create", f"--network={place}", f"--label=inspector-lab={network.label}")
    image = f"inspector-lab:{network.id}"

    before = docker(*create, "--name=listed", image, "true")
    asked = Broker.start(lambda: DockerView.open(path))
    assert asked.engine() == (path, "")
    gone = docker(*create, "--name=gone", image, "true")
    docker("rm", before, gone)

    assert asked.container_name(before) == "listed"
    assert asked.container_name(gone) == "gone"
    assert asked.trouble == ""
    asked.close()
