"""Whatever its surroundings do: no half file under a final name, no lost verdict, no riddle.

A process is killed in the middle of a write by the kernel itself: a limit on the size of files
whose signal (SIGXFSZ) is left to kill, or to be a write that fails.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

import pytest

from inspector import inspect
from inspector.report.files import CAPTURE, NAMES, REPORT
from inspector.report.formats.whole import from_dict

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "captures" / "upstream-403"
SOURCE = FOLDER / "capture.pcapng"
PROGRAM = "from inspector.cli.main import main; main(prog_name='inspector')"
#: The kernel kills whoever writes a file beyond {limit} bytes.
KILLED = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, ({{limit}}, {{limit}}))
{PROGRAM}
"""
#: A write beyond so many bytes fails, as on a full disk.
FAILS = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({{limit}}, {{limit}}))
{PROGRAM}
"""
#: SIGKILL in front of the n-th file that is opened for writing, renamed, removed or synced.
KILLED_AT = f"""
import os, signal, sys
left = {{count}}
def look(event, arguments):
    global left
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in ("os.rename", "os.remove", "os.link", "os.truncate"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(look)
{PROGRAM}
"""


def run(
    code: str,
    *arguments: str | Path,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdout: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )


def finals(place: Path) -> list[str]:
    """What stands under a name that somebody would read."""
    return sorted(each.name for each in place.iterdir() if not each.name.startswith("."))


# -- killed, and no room, in the middle of a write -----------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The files of a run that nothing disturbed, and their sizes."""
    place = tmp_path_factory.mktemp("whole") / "out"
    assert run(PROGRAM, "analyze", FOLDER, "-o", place).returncode == 0
    return {each.name: each.stat().st_size for each in place.iterdir()}


@pytest.mark.parametrize("limit", [0, 1, 700, 5_000, 20_000, 50_000])
def test_killed_in_mid_write_nothing_half_stands_under_its_name(
    limit: int, whole: dict[str, int], tmp_path: Path
) -> None:
    place = tmp_path / "out"
    done = run(KILLED.format(limit=limit), "analyze", FOLDER, "-o", place)
    assert done.returncode == -signal.SIGXFSZ
    left = finals(place) if place.exists() else []
    for name in left:
        assert (place / name).stat().st_size <= limit
        _is_whole(place / name)
    # Who comes after it finds nothing in the way.
    assert run(PROGRAM, "analyze", FOLDER, "-o", place).returncode == 0
    assert set(finals(place)) == set(whole)


def _is_whole(path: Path) -> None:
    if path.name == REPORT:
        assert from_dict(json.loads(path.read_bytes())).exchanges
    elif path.name == CAPTURE:
        assert inspect(path).captures[0].cut is None
    else:
        assert path.read_text().rstrip()[-1:] in ("}", ">", "|", ".", ")", "`", "]"), path


@pytest.mark.parametrize("limit", [0, 1, 300, 5_000])
def test_a_copy_that_was_killed_in_mid_write_is_not_there(limit: int, tmp_path: Path) -> None:
    target = tmp_path / "copy.pcapng"
    done = run(KILLED.format(limit=limit), "redact", SOURCE, target)
    assert done.returncode == -signal.SIGXFSZ
    assert not target.exists()
    assert run(PROGRAM, "redact", SOURCE, target).returncode == 0
    assert inspect(target).captures[0].cut is None


@pytest.mark.parametrize("limit", [1, 5_000])
def test_an_earlier_file_outlives_a_writer_that_was_killed(limit: int, tmp_path: Path) -> None:
    target = tmp_path / "copy.pcapng"
    assert run(PROGRAM, "redact", SOURCE, target).returncode == 0
    before = target.read_bytes()
    done = run(KILLED.format(limit=limit), "redact", "--force", SOURCE, target)
    assert done.returncode == -signal.SIGXFSZ
    assert target.read_bytes() == before


@pytest.mark.parametrize("limit", [0, 700, 20_000])
def test_a_disk_without_room_costs_the_files_that_do_not_fit_and_not_the_page(
    limit: int, whole: dict[str, int], tmp_path: Path
) -> None:
    place = tmp_path / "out"
    done = run(FAILS.format(limit=limit), "analyze", "--fail-on", "error", FOLDER, "-o", place)
    assert done.returncode == 1
    assert "Not all results could be written" in done.stderr
    assert "File too large" in done.stderr
    assert "CAUSE" in done.stdout
    for name in finals(place):
        _is_whole(place / name)
    assert set(finals(place)) == {name for name, size in whole.items() if size <= limit}
    assert [each for each in place.iterdir() if each.name.startswith(".")] == []


def test_killed_at_every_step_of_leaving_files_each_is_whole_or_absent(tmp_path: Path) -> None:
    for count in range(1, 200):
        place = tmp_path / str(count)
        done = run(KILLED_AT.format(count=count), "analyze", FOLDER, "-o", place)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        for name in finals(place) if place.exists() else ():
            _is_whole(place / name)
    else:
        pytest.fail("it never came to its end")
    assert count > len(NAMES)
    assert set(finals(place)) >= set(NAMES)


# -- input and output that fail --------------------------------------------------------------------


def _raw(descriptor: int) -> None:
    mode = termios.tcgetattr(descriptor)
    mode[0] = mode[1] = mode[3] = 0
    termios.tcsetattr(descriptor, termios.TCSANOW, mode)


@pytest.mark.parametrize("gate", [False, True])
def test_input_that_fails_in_the_middle_is_said_and_proves_nothing(gate: bool) -> None:
    """The reading end of a terminal whose other end is closed gives EIO."""
    master, slave = pty.openpty()
    _raw(slave)
    arguments = ["analyze", "-", "--format", "json", *(["--fail-on", "error"] if gate else [])]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        stdin=master,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(slave, (ROOT / "captures" / "healthy-sse" / "capture.pcapng").read_bytes()[:3000])
        os.close(slave)
        os.close(master)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == (5 if gate else 0), errors
    report = json.loads(out)
    assert report["completeness"]["verdict"] == "incomplete"
    (fault,) = (each for each in report["oddities"] if each["name"] == "read-error")
    assert "Input/output error" in fault["detail"]


def test_output_that_fails_changes_no_verdict() -> None:
    """A terminal that was hung up gives EIO for each write."""
    master, slave = pty.openpty()
    os.close(master)
    done = run(PROGRAM, "analyze", "--fail-on", "error", FOLDER, stdout=slave)
    os.close(slave)
    assert done.returncode == 3
    assert "Standard output cannot be written (Input/output error)" in done.stderr


# -- surroundings ----------------------------------------------------------------------------------

SURROUNDINGS = {
    "C": {"LC_ALL": "C"},
    "POSIX without UTF-8": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a locale that is not installed": {"LC_ALL": "xx_XX.ISO-8859-1"},
    "ASCII alone": {"PYTHONIOENCODING": "ascii"},
    "no home": {"HOME": "/nonexistent"},
    "an empty home": {"HOME": ""},
    "no room for temporary files": {"TMPDIR": "/nonexistent"},
    "a terminal nobody knows": {"TERM": "nobody-knows", "COLUMNS": "x"},
}
COMMANDS = {
    "analyze": ("analyze", "--fingerprint-key", "KEY", FOLDER),
    "json": ("analyze", "--format", "json", "--fingerprint-key", "KEY", FOLDER),
    "check": ("check", FOLDER),
    "show": ("show", "--fingerprint-key", "KEY", FOLDER, "e1"),
    "explain": ("explain", "squid-denied"),
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_bytes(b"made up, and long enough for a key")
    return path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_surroundings_change_no_byte(name: str, command: str, key: Path) -> None:
    arguments = [key if each == "KEY" else each for each in COMMANDS[command]]
    usual = run(PROGRAM, *arguments)
    assert usual.returncode in (0, 3)
    done = run(PROGRAM, *arguments, env=SURROUNDINGS[name])
    assert (done.returncode, done.stdout, done.stderr) == (
        usual.returncode, usual.stdout, usual.stderr
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_working_directory_that_is_gone_changes_no_byte(
    command: str, key: Path, tmp_path: Path
) -> None:
    arguments = [key if each == "KEY" else each for each in COMMANDS[command]]
    usual = run(PROGRAM, *arguments)
    gone = tmp_path / "gone"
    gone.mkdir()
    inside = "import os; os.rmdir(os.getcwd())\n" + PROGRAM
    done = run(inside, *arguments, cwd=gone)
    assert not gone.exists()
    assert (done.returncode, done.stdout, done.stderr) == (
        usual.returncode, usual.stdout, usual.stderr
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts something, which needs root")
def test_a_working_directory_that_cannot_be_written_is_needed_for_nothing(tmp_path: Path) -> None:
    here, out = tmp_path / "here", tmp_path / "out"
    here.mkdir()
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$1" && shift && "$@"'
    command = [sys.executable, "-c", PROGRAM, "analyze", str(FOLDER), "-o", str(out)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(here), *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    if "unshare failed" in done.stderr or "permission denied" in done.stderr:
        pytest.skip(f"no mount namespace here: {done.stderr.strip()}")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(finals(out)) >= set(NAMES)
