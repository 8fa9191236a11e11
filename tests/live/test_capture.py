"""`inspector capture` in the lab, as the program itself: what it writes, how it ends."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspector import Report, inspect
from inspector.linux import seccomp
from inspector.options import Options
from inspector.report.files import CAPTURE, NAMES
from inspector.report.formats.whole import from_dict
from inspector.wire import COUNTED_CUTS
from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.network import NAMED
from tests.live.engine import engine
from tests.live.offline import read
from tests.live.runner import ROOT, Stack, stack

INTERFACE = ("capture", "-i", "fw-bridge")


@pytest.fixture(scope="module")
def lab(lab_possible: None) -> Iterator[Stack]:
    with stack() as running:
        yield running


@pytest.fixture
def place(lab: Stack) -> Path:
    """A fresh directory of the lab."""
    number = len(list(lab.place.glob("test-*")))
    directory = lab.place / f"test-{number}"
    directory.mkdir(mode=0o755)
    return directory


def report_of(text: str) -> Report:
    plain: dict[str, Any] = json.loads(text)
    return from_dict(plain)


def test_a_command_is_captured_from_its_first_packet_to_its_last(lab: Stack, place: Path) -> None:
    key = place / "key"
    key.write_bytes(b"made up")
    path = place / "x.pcapng"
    done = lab.run(
        *INTERFACE, "--raw", "--full", "-w", path, "--format", "json", "--fingerprint-key", key,
        "--", *lab.curl(),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    report = report_of(done.stdout)
    (client,) = report.clients
    assert dict(client.statuses) == {"200": 1}
    assert all(connection.closed_by for connection in report.connections)
    assert report.completeness.verdict == "complete"
    assert report.live
    assert report.live.ended_for == "command"
    assert report.live.command_status == 0
    counted = report.live.interfaces[0]
    assert counted.received == counted.packets == report.completeness.packets
    offline = read(path, options=Options(fingerprint_key=b"made up"))
    assert replace(report, live=None) == offline


def test_raw_warns_that_credentials_are_in_the_file(lab: Stack, place: Path) -> None:
    done = lab.run(*INTERFACE, "--raw", "-w", place / "x.pcapng", "--", "true")
    assert "hold every credential" in done.stderr


def test_it_says_where_it_listens_and_with_what_rights(lab: Stack, place: Path) -> None:
    done = lab.run(*INTERFACE, "--", "true")
    first = done.stderr.splitlines()[0]
    assert first.startswith("inspector: capturing fw-bridge until true ends")
    assert "without a capability" in first


@pytest.mark.parametrize("status", [1, 7, 255])
def test_the_commands_failure_is_passed_on(lab: Stack, status: int) -> None:
    done = lab.run(*INTERFACE, "--", "sh", "-c", f"exit {status}")
    assert done.returncode == status
    assert f"sh ended with status {status}" in done.stderr


def test_a_killed_command_is_told_as_a_shell_does(lab: Stack) -> None:
    done = lab.run(*INTERFACE, "--", "sh", "-c", "kill -KILL $$")
    assert done.returncode == 128 + signal.SIGKILL


def test_a_command_that_is_not_there_is_named_and_leaves_no_file(lab: Stack, place: Path) -> None:
    done = lab.run(*INTERFACE, "-o", place / "results", "--", "no-such-program")
    assert done.returncode == 127
    assert "no-such-program cannot be run" in done.stderr
    assert list((place / "results").iterdir()) == []


@pytest.mark.parametrize(
    ("told", "awaited"),
    [
        (("-i", "fw-brigde"), "interface fw-brigde"),
        (("--subnet", "10.99.0.0/24"), "bridge of 10.99.0.0/24"),
    ],
)
def test_an_interface_that_never_came_is_said_first_and_nothing_is_complete(
    lab: Stack, place: Path, told: tuple[str, ...], awaited: str
) -> None:
    done = lab.run("capture", *told, "-o", place / "results", "--", "true")

    first, *_, last = done.stderr.splitlines()
    assert first.startswith("inspector: waiting for ")
    assert f"{awaited} (not there yet) until true ends" in first
    assert f"Nothing was captured: no {awaited} ever appeared (there are: lo" in last
    assert done.returncode == 1
    page = " ".join(done.stdout.split())
    assert "capture UNKNOWN" in page
    assert f"Nothing was captured: no {awaited} ever appeared" in page
    assert "never fired" not in page
    report = report_of((place / "results" / "report.json").read_text())
    assert report.completeness.verdict == "unknown"
    assert f"no {awaited} ever appeared" in (place / "results" / "summary.md").read_text()
    failed = lab.run("capture", *told, "--", "sh", "-c", "exit 7")
    assert failed.returncode == 7


def test_an_interface_that_was_made_anew_stands_in_the_report(lab: Stack) -> None:
    """The command takes its bridge away and makes it again, each time once it is captured."""
    captured = "until ip -d link show late0 | grep -q 'promiscuity 1'; do :; done"
    make = f"ip link add late0 type bridge; ip link set late0 up; {captured}"
    script = f"{make}; ip link delete late0; {make}; ip link delete late0"
    done = lab.run("capture", "-i", "late0", "--format", "json", "--", "sh", "-c", script)

    assert done.stderr.count("listening on late0") == 2
    live = report_of(done.stdout).live
    assert live
    assert live.notes == (
        "late0 was removed and made anew: what crossed it before it was captured again is not here",
    )


@pytest.mark.parametrize("name", ["any", "a-name-that-is-far-too-long"])
def test_an_interface_that_cannot_come_is_not_waited_for(
    lab: Stack, place: Path, name: str
) -> None:
    done = lab.run("capture", "-i", name, "--", "touch", place / "mark")
    assert done.returncode == 1
    assert name in done.stderr
    assert not (place / "mark").exists()


def test_a_bridge_without_traffic_is_said_with_the_likely_cause(lab: Stack) -> None:
    done = lab.run(*INTERFACE, "--subnet", "10.77.0.0/24", "--format", "json", "--", "true")
    assert done.returncode == 4
    live = report_of(done.stdout).live
    assert live
    note = live.interfaces[0].note
    assert note
    assert "the wrong network" in note


def test_under_sudo_command_and_files_are_the_users(lab: Stack, place: Path) -> None:
    os.chown(place, 65534, 65534)
    path = place / "x.pcapng"
    done = lab.run(
        *INTERFACE, "--raw", "-w", path, "--", "sh", "-c", f"id -u > {place}/id; {_quoted(lab)}",
        env={"SUDO_UID": "65534", "SUDO_GID": "65534", "SUDO_USER": "nobody"},
    )  # fmt: skip
    assert (place / "id").read_text() == "65534\n", done.stderr
    assert "as uid 65534 without a capability" in done.stderr
    about = path.stat()
    assert (about.st_uid, about.st_gid) == (65534, 65534)
    assert stat.S_IMODE(about.st_mode) == 0o600


def test_findings_decide_the_status_unless_the_command_failed(lab: Stack, place: Path) -> None:
    """An agent with a key of its own: an error of isolation, though the call succeeds."""
    curl = [
        "x-api-key: sk-ant-api03-LABONLY" + 84 * "0" + "AA"
        if part.startswith("x-api-key")
        else part
        for part in lab.curl()
    ]
    summary = place / "summary"
    summary.write_text("before\n")
    options = ("--raw", "--fail-on", "error", "-o", place / "results", "--github-summary", summary)
    done = lab.run(*INTERFACE, *options, "--no-github", "--", *curl)
    assert done.returncode == 3, done.stderr
    assert "Findings of level error or above" in done.stderr
    assert summary.read_text() == "before\n"
    failed = shlex.join(curl) + "; exit 7"
    done = lab.run(*INTERFACE, *options, "--", "sh", "-c", failed)
    assert done.returncode == 7
    assert "LABONLY" not in summary.read_text() + done.stdout + done.stderr
    assert any(line.startswith("::error title=") for line in done.stdout.splitlines())
    assert {path.name for path in (place / "results").iterdir()} >= {"report.json", "summary.md"}


@pytest.mark.parametrize("user", [(), ("-Z", "nobody")])
def test_packets_are_parsed_without_a_capability(lab: Stack, user: tuple[str, ...]) -> None:
    lab.place.chmod(0o777)
    try:
        with lab.running(*INTERFACE, *user) as process:
            threads = [
                dict(
                    line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line
                )
                for path in Path(f"/proc/{process.pid}/task").glob("*/status")
            ]
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
    finally:
        lab.place.chmod(0o755)
    assert threads
    for status in threads:
        sets = {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        assert sets == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == ("0" if seccomp.why_not() else "2")
        uid = "65534" if user else "0"
        assert status["Uid"].split() == [uid] * 4
        assert "0" not in status["Groups"].split() or not user


def test_the_parser_holds_no_connection_to_docker_and_the_command_is_confined_by_nothing(
    lab: Stack, place: Path
) -> None:
    """The command is the user's own, as if it had been run without us."""
    status = "grep -hE '^(Uid|Seccomp|NoNewPrivs|CapEff):'"
    script = f"{status} /proc/self/status; echo of the parser; {status} /proc/$PPID/task/*/status"
    with engine(place / "docker.sock") as docker:
        done = lab.run(
            *INTERFACE, "--format", "json", "--", "sh", "-c", f"({script}) >&2",
            env={"SUDO_UID": "65534", "SUDO_GID": "65534", "DOCKER_HOST": f"unix://{docker.path}"},
        )  # fmt: skip

    told, _, report = done.stderr.partition("of the parser\n")
    for own in ("Seccomp:\t0\n", "NoNewPrivs:\t0\n", "Uid:\t65534\t"):
        assert own in told
    for of_parser in ("Uid:\t65534\t", "NoNewPrivs:\t1\n", "CapEff:\t0000000000000000\n"):
        assert of_parser in report
    assert ("Seccomp:\t2\n" in report) is not bool(seccomp.why_not())
    # Who asked is one process, and has ended with the capture.
    (broker,) = {pid for _, pid in docker.asked}
    assert not Path(f"/proc/{broker}").exists()
    live = report_of(done.stdout).live
    assert live
    rungs = {rung.name: rung for rung in live.rungs}
    assert rungs["containers"].state == "working"
    assert rungs["seccomp"].state == ("lost" if seccomp.why_not() else "working")
    assert ("behind seccomp" in live.privileges) is not bool(seccomp.why_not())


def test_what_is_left_behind_needs_no_file_that_root_alone_can_read(
    lab: Stack, place: Path
) -> None:
    """The interpreter of these tests is root's, where they run as root."""
    os.chown(place, 65534, 65534)
    summary = place / "summary"
    summary.touch()
    os.chown(summary, 65534, 65534)
    done = lab.run(
        "capture", "--raw", "-o", place / "results", "--fail-on", "error",
        "--github", "--github-summary", summary, "--github-output", summary,
        "--", "sh", "-c", _quoted(lab),
        env={"SUDO_UID": "65534", "SUDO_GID": "65534"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {path.stat().st_uid for path in (place / "results").iterdir()} == {65534}
    assert len(list((place / "results").iterdir())) == len(NAMES) + 1
    assert "/health" in (place / "results" / "report.json").read_text()
    assert summary.read_text()


def _quoted(lab: Stack) -> str:
    """Something to see that needs no root: a call from the bridge's own host."""
    return f"curl -sS -o /dev/null http://{lab.network.api_proxy.address}:10000/health"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_whole_file_and_a_report(
    lab: Stack, place: Path, number: signal.Signals
) -> None:
    path = place / "x.pcapng"
    with lab.running(*INTERFACE, "--raw", "-w", path, "--format", "json") as process:
        lab.network.agent.run(lab.curl()[4:])
        process.send_signal(number)
        out, told = process.communicate(timeout=20)
    assert process.returncode == 0, told
    assert f"ended by {number.name}" in told
    report = report_of(out)
    assert report.live
    assert report.live.ended_for == "signal"
    assert len(report.exchanges) == len(inspect(path).exchanges) == 1
    assert inspect(path).captures[0].cut is None


def test_a_signal_goes_to_the_command_and_the_report_is_made(lab: Stack, place: Path) -> None:
    with lab.running(*INTERFACE, "--format", "json", "--", "sleep", "60") as process:
        process.send_signal(signal.SIGTERM)
        out, told = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    live = report_of(out).live
    assert live
    assert live.command_status == 128 + signal.SIGTERM
    assert "sleep ended with status 143" in told


def test_a_vanished_bridge_ends_it_with_what_was_seen(lab_possible: None) -> None:
    with stack() as own:
        path = own.place / "x.pcapng"
        with own.running(*INTERFACE, "--raw", "-w", path, "--format", "json") as process:
            own.network.agent.run(own.curl()[4:])
            own.network.bridge.run(["ip", "link", "delete", "fw-bridge"])
            out, told = process.communicate(timeout=20)
        assert process.returncode == 1
        assert "fw-bridge was removed" in told
        report = report_of(out)
        assert report.live
        assert report.live.ended_for == "interface-gone"
        assert len(report.exchanges) == 1
        assert inspect(path).captures[0].cut is None


def _on_small_disk(lab: Stack, place: Path, size: str, *arguments: str | Path) -> list[str]:
    """Run the program with a disk of that size at `place`, in a mount namespace of its own."""
    script = f'mount -t tmpfs -o size={size} lab {place} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", *lab.argv(*arguments)]


def test_a_full_disk_leaves_a_whole_file_and_a_report_of_all(lab: Stack, place: Path) -> None:
    path = place / "x.pcapng"
    copy = lab.place / "copied.pcapng"
    # The disk is gone with its namespace: the command, which is in it, copies the file at last.
    calls = " && ".join(
        f"curl -sS -o /dev/null --data-binary @{ROOT}/docs/schemas/report-2.0.json"
        f" http://{lab.network.api_proxy.address}:10001/v1/messages"
        for _ in range(6)
    )
    wait = f"while ! cp {path} {copy}; do sleep 0.1; done"
    done = subprocess.run(
        _on_small_disk(
            lab, place, "64k", *INTERFACE, "--raw", "-w", path, "--format", "json",
            "--", "sh", "-c", f"{calls}; {wait}",
        ),
        env=lab.environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert "No space left on device" in done.stderr
    report = report_of(done.stdout)
    assert report.completeness.packets > report.captures[0].packets > 0
    assert len(report.exchanges) == 6
    assert report.live
    assert "of all" in report.live.notes[0]
    assert inspect(copy).captures[0].cut is None
    assert done.returncode == 1


def test_a_read_only_directory_is_said_before_the_command_runs(lab: Stack, place: Path) -> None:
    script = f'mount --bind {place} {place} && mount -o remount,ro,bind {place} && exec "$@"'
    mark = lab.place / "mark"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh",
         *lab.argv(*INTERFACE, "--raw", "-w", place / "x.pcapng", "--", "touch", str(mark))],
        env=lab.environ(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "x.pcapng cannot be written: Read-only file system" in done.stderr
    assert not mark.exists()


def test_limits_end_it(lab: Stack, place: Path) -> None:
    done = lab.run(*INTERFACE, "--duration", "0.2")
    assert "ended after 0.2 s" in done.stderr
    with lab.running(*INTERFACE, "--max-size", "2kB") as process:
        lab.network.agent.run(lab.curl()[4:])
        _, told = process.communicate(timeout=20)
    assert "size limit" in told


def test_the_pid_file_is_there_while_it_runs(lab: Stack, place: Path) -> None:
    pid = place / "pid"
    with lab.running(*INTERFACE, "--pid-file", pid) as process:
        os.kill(int(pid.read_text()), signal.SIGTERM)
        process.communicate(timeout=20)
    assert not pid.exists()


def test_watch_shows_lines_as_things_end(lab: Stack) -> None:
    with subprocess.Popen(
        lab.argv("watch", "-i", "fw-bridge", "--format", "jsonl"),
        env=lab.environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert process.stdout
        assert "capturing fw-bridge" in process.stderr.readline()
        lab.network.agent.run(lab.curl()[4:])
        kinds = {next(iter(json.loads(process.stdout.readline()))) for _ in range(2)}
        assert kinds == {"exchange", "tunnel"}
        process.send_signal(signal.SIGINT)
        last = process.communicate(timeout=20)[0].splitlines()[-1]
        assert "report" in json.loads(last)
    assert process.returncode == 0


def test_results_are_in_a_directory_and_hold_no_key(lab: Stack, place: Path) -> None:
    key = "sk-ant-api03-" + "LABONLY" * 13 + "xxAA"
    curl = [part.replace(ANTHROPIC_PLACEHOLDER, key) for part in lab.curl()]
    done = lab.run("capture", "-o", place / "results", "--", *curl)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (place / "results").iterdir())
    assert names == sorted([CAPTURE, *NAMES])
    for path in (place / "results").iterdir():
        assert key.encode() not in path.read_bytes()
    assert key not in done.stdout + done.stderr
    report = report_of((place / "results" / "report.json").read_text())
    (client,) = report.clients
    assert client.auth_headers[0].credential.kind == "anthropic-api-key"
    assert report.live
    assert report.live.redaction == "in place"


# -- the ladder ------------------------------------------------------------------


def _without(lab: Stack, spoil: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program where `spoil` was done, in a mount namespace of its own."""
    inner = lab.argv(*arguments)
    # `ip netns exec` gives a /sys of its own: spoil behind it.
    at = inner.index(sys.executable)
    script = f'{spoil} && exec "$@"'
    return subprocess.run(
        [*inner[:at], "unshare", "--mount", "sh", "-c", script, "sh", *inner[at:]],
        env=lab.environ(),
        cwd=lab.place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("spoil", "missing", "remedy"),
    [
        ("mount -t tmpfs lab /sys/kernel/btf", "BTF", "CONFIG_DEBUG_INFO_BTF"),
        (
            "for each in $(ldconfig -p | sed -n 's/.*libbpf.so.1 .*=> //p'); do"
            " mount --bind /dev/null $each; done",
            "libbpf",
            "libbpf1",
        ),
    ],
)
def test_without_ebpf_the_report_is_made_and_says_what_it_lacks(
    lab: Stack, spoil: str, missing: str, remedy: str
) -> None:
    # `ip netns exec` needs libbpf itself.
    call = ["nsenter", f"--net={NAMED / lab.network.agent.namespace}", *lab.curl()[4:]]
    done = _without(lab, spoil, *INTERFACE, "--format", "json", "--", *call)
    assert done.returncode == 0, done.stderr
    report = report_of(done.stdout)
    assert len(report.exchanges) == 1
    assert report.live
    (lost,) = [rung for rung in report.live.rungs if rung.name == "attribution"]
    assert lost.state == "lost"
    assert missing in f"{lost.detail}; {lost.remedy}"
    assert remedy in (lost.remedy or "")
    (line,) = [line for line in done.stderr.splitlines() if "attribution" in line]
    assert missing in line
    assert remedy in line


def test_without_root_one_line_says_what_is_needed(lab: Stack, place: Path) -> None:
    mark = place / "mark"
    inner = lab.argv(*INTERFACE, "--", "touch", mark)
    at = inner.index(sys.executable)
    drop = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    done = subprocess.run(
        [*inner[:at], *drop, *inner[at:]], env=lab.environ(), capture_output=True, text=True
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "CAP_NET_RAW" in line
    assert "sudo" in line
    assert not mark.exists()


def test_a_bridge_that_is_not_there_is_said_with_what_is(lab: Stack) -> None:
    done = lab.run("capture", "--subnet", "10.77.0.0/24", "--duration", "1")
    assert done.returncode == 1
    assert "No bridge of 10.77.0.0/24 is here" in done.stderr
    assert "fw-bridge 172.30.0.1/24" in done.stderr


def test_the_bridge_is_found_by_its_subnet(lab: Stack) -> None:
    done = lab.run("capture", "--format", "json", "--", *lab.curl())
    report = report_of(done.stdout)
    assert report.live
    assert report.live.interfaces[0].name == "fw-bridge"
    assert report.completeness.capture_filter == "net 172.30.0.0/24" + COUNTED_CUTS
    assert report.completeness.verdict == "complete"


def test_from_outside_the_bridge_is_found_in_its_namespace(lab: Stack) -> None:
    argv = lab.argv("capture", "--netns", lab.network.bridge.namespace, "--format", "json")
    done = subprocess.run(
        [*argv[argv.index(sys.executable) :], "--", *lab.curl()],
        env=lab.environ(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(report_of(done.stdout).exchanges) == 1


def test_a_bridge_that_the_command_makes_is_captured(lab_possible: None) -> None:
    with stack() as own:
        ip = f"ip -n {own.network.bridge.namespace}"
        ports = " && ".join(
            f"{ip} link set veth-{name} master fw-bridge"
            for name in ("agent", "api-proxy", "squid")
        )
        own.network.bridge.run(["ip", "link", "delete", "fw-bridge"])
        make = (
            f"{ip} link add fw-bridge type bridge stp_state 0 forward_delay 0"
            f" && {ip} addr add 172.30.0.1/24 dev fw-bridge"
            f" && {ip} link set fw-bridge up && {ports}"
        )
        call = " ".join(map(shlex.quote, own.curl()))
        listening = own.place / "listening"
        wait = f"while [ ! -e {listening} ]; do sleep 0.02; done"
        with subprocess.Popen(
            own.argv("capture", "--format", "json", "--", "sh", "-c", f"{make}; {wait}; {call}"),
            env=own.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr
            for line in process.stderr:
                if "listening on fw-bridge: it has 172.30.0.1/24" in line:
                    break
            listening.touch()
            out = process.communicate(timeout=30)[0]
        assert process.returncode == 0
        assert len(report_of(out).exchanges) == 1


def test_watch_ends_when_its_reader_has_seen_enough(lab: Stack) -> None:
    with subprocess.Popen(
        lab.argv("watch"),
        env=lab.environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert process.stdout
        assert "capturing fw-bridge" in process.stderr.readline()
        process.stdout.close()
        lab.network.agent.run(lab.curl()[4:])
        assert process.wait(timeout=20) == 0


def test_watch_on_a_terminal_is_coloured_paused_and_ended_by_keys(lab: Stack) -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        lab.argv("watch"),
        env=lab.environ({"TERM": "xterm"}),
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert "capturing fw-bridge" in process.stderr.readline()
        os.write(controller, b" ")
        while "paused" not in process.stderr.readline():
            pass
        lab.network.agent.run(lab.curl()[4:])
        os.write(controller, b" ")
        shown = ""
        while "\x1b[32m200" not in shown:
            shown += os.read(controller, 65536).decode()
        os.write(controller, b"q")
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert "172.30.0.20 curl[" in shown
    os.close(controller)
    os.close(terminal)
