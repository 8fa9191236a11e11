"""The command is held until it is told to go, and then is itself."""

from __future__ import annotations

import os
import select
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inspector.live.command import Command, CommandFailed, User

PYTHON = sys.executable


def ended(command: Command) -> int:
    command.start()
    return command.wait()


def test_nothing_runs_before_it_is_told_to(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    command = Command(["touch", str(mark)], None)
    assert not select.select([command], [], [], 0.2)[0]
    assert not mark.exists()
    assert ended(command) == 0
    assert mark.exists()


def test_what_is_abandoned_never_runs(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    command = Command(["touch", str(mark)], None)
    command.abandon()
    assert command.status == 0
    assert not mark.exists()


@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_its_exit_status_is_told(status: int) -> None:
    assert ended(Command([PYTHON, "-c", f"raise SystemExit({status})"], None)) == status


def test_its_end_can_be_polled_for() -> None:
    command = Command(["true"], None)
    command.start()
    assert select.select([command], [], [], 10)[0]
    assert command.poll() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_signals_end_is_told_as_a_shell_does(number: signal.Signals) -> None:
    command = Command(["sleep", "60"], None)
    command.start()
    command.send(number)
    assert command.wait() == 128 + number


def test_its_signals_mean_what_they_mean_elsewhere() -> None:
    """Python ignores SIGPIPE, and a capture blocks the ending signals."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        unblocked = Command(["grep", "-qE", "SigBlk:.0+$", "/proc/self/status"], None)
        assert ended(unblocked) == 0
        piped = Command(["sh", "-c", "kill -PIPE $$"], None)
        assert ended(piped) == 128 + signal.SIGPIPE
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_an_ignored_interrupt_stays_ignored_as_for_a_shells_background_job() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert ended(Command(["sh", "-c", "kill -INT $$; exit 5"], None)) == 5
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_has_the_environment_and_no_descriptor_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADE_UP", "value")
    with Path(os.devnull).open("rb") as held:
        script = (
            "import os, sys\n"
            "assert os.environ['MADE_UP'] == 'value'\n"
            f"assert not os.path.exists('/proc/self/fd/{held.fileno()}')"
        )
        assert ended(Command([PYTHON, "-c", script], None)) == 0


@pytest.mark.parametrize(
    ("argv", "status", "sentence"),
    [
        ("no-such-program-anywhere", 127, "No such file"),
        ("/etc/passwd", 126, "Permission denied"),
        ("/etc/passwd/x", 127, "Not a directory"),
    ],
)
def test_what_cannot_be_run_is_an_error_with_a_shells_status(
    argv: str, status: int, sentence: str
) -> None:
    command = Command([argv], None)
    with pytest.raises(CommandFailed, match=sentence) as raised:
        command.start()
    assert raised.value.exit_code == status


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_runs_as_the_invoking_user_without_roots_groups() -> None:
    user = User.invoking({"SUDO_UID": "65534", "SUDO_GID": "65534"})
    assert user == User(65534, 65534)
    is_user = 'test "$(id -ru):$(id -u):$(id -g):$(id -G)" = 65534:65534:65534:65534'
    assert ended(Command(["sh", "-c", is_user], user)) == 0


#: What sudo(8) leaves to a program that it runs as root for the user "somebody".
SUDO = {
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "MAIL": "/var/mail/root",
    "SHELL": "/bin/of-root",
    "SUDO_UID": "65534",
    "SUDO_GID": "65534",
    "SUDO_USER": "somebody",
    "SUDO_COMMAND": "inspector capture",
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
}


@dataclass
class Entry:
    """Of a user database (getpwuid(3))."""

    pw_name: str = "somebody"
    pw_dir: str = "/home/somebody"
    pw_shell: str = "/bin/zsh"


def users(monkeypatch: pytest.MonkeyPatch, known: dict[int, Entry]) -> None:
    """Puts these into the place of the machine's users."""
    monkeypatch.setattr("pwd.getpwuid", known.__getitem__)


def environment_of(command: str, user: User | None, place: Path) -> dict[str, str]:
    """What `command` says that its environment is, when run as `user`."""
    said = place / "said"
    said.touch()
    said.chmod(0o666)
    assert ended(Command(["sh", "-c", f"{command} > {said}"], user)) == 0
    return dict(line.split("=", 1) for line in said.read_text().splitlines())


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every user may write into, wherever pytest keeps its own."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o777)
        yield place


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_has_its_own_users_home_name_and_shell_and_not_roots(
    monkeypatch: pytest.MonkeyPatch, open_place: Path
) -> None:
    home = open_place / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    users(monkeypatch, {65534: Entry(pw_dir=str(home))})
    for name, value in SUDO.items():
        monkeypatch.setenv(name, value)

    user = User.invoking(SUDO)
    environ = environment_of('echo mine > "$HOME/.config" && env', user, open_place)

    assert (home / ".config").read_text() == "mine\n"
    assert (home / ".config").stat().st_uid == 65534
    told = {name: environ.get(name) for name in ("HOME", "USER", "LOGNAME", "MAIL", "SHELL")}
    assert told == {
        "HOME": str(home),
        "USER": "somebody",
        "LOGNAME": "somebody",
        "MAIL": "/var/mail/somebody",
        "SHELL": "/bin/zsh",
    }
    assert (environ["PATH"], environ["LANG"]) == (os.defpath, "C.UTF-8")
    assert not [name for name in environ if name.startswith("SUDO_")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_without_an_entry_gets_nothing_of_roots(
    monkeypatch: pytest.MonkeyPatch, open_place: Path
) -> None:
    users(monkeypatch, {})
    for name, value in SUDO.items():
        monkeypatch.setenv(name, value)

    environ = environment_of("env", User.invoking(SUDO), open_place)

    assert environ["HOME"] == "/"
    assert not {"USER", "LOGNAME", "MAIL", "SHELL", "SUDO_USER"} & environ.keys()


def test_without_sudo_the_environment_is_passed_on_as_it_is(
    monkeypatch: pytest.MonkeyPatch, open_place: Path
) -> None:
    """Root's own shell: SUDO_* that an outer sudo left stays, too."""
    for name in ("HOME", "USER", "LOGNAME", "MAIL", "SHELL", "SUDO_USER"):
        monkeypatch.setenv(name, f"/made-up/{name}")

    environ = environment_of("env", None, open_place)

    expected = dict(os.environ)
    for shells_own in ("_", "PWD", "OLDPWD", "SHLVL"):
        environ.pop(shells_own, None)
        expected.pop(shells_own, None)
    assert environ == expected


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SUDO_UID": "1000"},
        {"SUDO_UID": "0", "SUDO_GID": "0"},
        {"SUDO_UID": "x", "SUDO_GID": "1"},
    ],
)
def test_without_sudo_there_is_no_invoking_user(environ: dict[str, str]) -> None:
    assert User.invoking(environ) is None


def test_a_user_is_known_by_name_and_by_number() -> None:
    assert User.named("root") == User.named("0") == User(0, 0)
    with pytest.raises(CommandFailed, match="no user 'nobody-at-all'"):
        User.named("nobody-at-all")
