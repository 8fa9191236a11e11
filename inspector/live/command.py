"""The command that a capture runs for: held until the capture runs, then itself.

The child is forked while nothing is open yet and waits at a pipe.  When told to
go it becomes the invoking user (under sudo), with that user's own home, name and
shell in the environment, and executes the command; so it keeps its terminal, its
process group and its descriptors, and none of the capture's privileges or files.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from inspector import coredumps
from inspector.errors import InspectorError, quoted
from inspector.fact import Fact

#: Exit statuses as POSIX shells give them (2.8.2): not executable, not found.
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
SIGNALLED: Final = 128
#: Python ignores these for itself; an ordinary program expects the default.
_DEFAULTS: Final = (signal.SIGPIPE, signal.SIGXFSZ)

#: What sudo(8) sets to the target user's, which is root here: the command's user is another.
_ROOTS: Final = ("HOME", "USER", "LOGNAME", "MAIL", "SHELL")
#: What sudo(8) adds for a program that serves its caller as root: the command is the caller.
_OF_SUDO: Final = "SUDO_"
_MAIL: Final = Path("/var/mail")


class CommandFailed(InspectorError):
    """The command could not be started."""


class User(Fact):
    """As whom the command runs and files are written."""

    uid: int
    gid: int

    @classmethod
    def invoking(cls, environ: Mapping[str, str] = os.environ) -> User | None:
        """The user behind sudo; None when there is none (or when sudo ran for root)."""
        uid, gid = environ.get("SUDO_UID", ""), environ.get("SUDO_GID", "")
        if os.geteuid() != 0 or not (_is_id(uid) and _is_id(gid)) or uid == "0":
            return None
        return cls(int(uid), int(gid))

    @classmethod
    def named(cls, name: str) -> User:
        """A user of this machine, by name or number.  Raises `CommandFailed`."""
        try:
            known = pwd.getpwuid(int(name)) if _is_id(name) else pwd.getpwnam(name)
        except KeyError as error:
            raise CommandFailed(
                f"There is no user {quoted(name)} on this machine", "Name one with -Z USER"
            ) from error
        return cls(known.pw_uid, known.pw_gid)

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` as this user has it: what sudo made root's is theirs again.

        HOME, USER, LOGNAME, MAIL and SHELL are those of the passwd entry, as
        `sudo -u` and runuser(1) set them; SUDO_* is left out.  Of a user without
        an entry only HOME is set, to "/": nothing of root's is passed on.
        """
        own = {
            name: value
            for name, value in environ.items()
            if name not in _ROOTS and not name.startswith(_OF_SUDO)
        }
        try:
            entry = pwd.getpwuid(self.uid)
        except KeyError:
            return own | {"HOME": "/"}
        return own | {
            "HOME": entry.pw_dir or "/",
            "USER": entry.pw_name,
            "LOGNAME": entry.pw_name,
            "MAIL": str(_MAIL / entry.pw_name),
            "SHELL": entry.pw_shell or "/bin/sh",
        }

    def become(self) -> None:
        """Take this user's ids and groups, for good."""
        try:
            groups = os.getgrouplist(pwd.getpwuid(self.uid).pw_name, self.gid)
        except KeyError:
            groups = [self.gid]
        os.setgroups(groups)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)


class Command:
    """A child process that waits for `start`; `fileno` is readable once it has ended."""

    def __init__(self, argv: Sequence[str], user: User | None) -> None:
        self.argv = tuple(argv)
        #: 128 + n when signal n ended it; None as long as it runs.
        self.status: int | None = None
        self.started = False
        held, self._gate = os.pipe2(os.O_CLOEXEC)
        self._failure, told = os.pipe2(os.O_CLOEXEC)
        self.pid = os.fork()
        if self.pid == 0:
            # The parent's ends: as long as they are open here, its end is not seen.
            os.close(self._gate)
            os.close(self._failure)
            _child(self.argv, user, held, told)
        os.close(held)
        os.close(told)
        self._pidfd = os.pidfd_open(self.pid)

    def start(self) -> None:
        """Let it run.  Raises `CommandFailed` when there is nothing that can be run."""
        self.started = True
        with contextlib.suppress(BrokenPipeError):
            os.write(self._gate, b"g")
        os.close(self._gate)
        # Closed by a successful exec; a failed one says its errno first.
        said = os.read(self._failure, 16)
        os.close(self._failure)
        if not said:
            return
        self.wait()
        number = int(said)
        found = number not in (2, 20)  # ENOENT, ENOTDIR
        failure = CommandFailed(
            f"{self.argv[0]} cannot be run: {os.strerror(number)}",
            "Name it with its path: sudo has a PATH of its own"
            if not found
            else "Check that it is a program that the invoking user may execute",
            "The capture itself had begun and is not to blame",
        )
        failure.exit_code = NOT_EXECUTABLE if found else NOT_FOUND
        raise failure

    def fileno(self) -> int:
        return self._pidfd

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended(status)
        return self.status

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        if self.status is None:
            self._ended(os.waitpid(self.pid, 0)[1])
        return self.status or 0

    def send(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.status is None and self.started:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def abandon(self) -> None:
        """It is not to run after all."""
        if not self.started:
            self.started = True
            os.close(self._gate)
            os.close(self._failure)
            self.wait()

    def _ended(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        self.status = code if code >= 0 else SIGNALLED - code


def _child(argv: Sequence[str], user: User | None, held: int, told: int) -> NoReturn:
    """The held child: nothing here may raise, and nothing may return."""
    status = NOT_EXECUTABLE
    try:
        if os.read(held, 1) != b"g":
            os._exit(0)
        coredumps.allow_as_started()
        for number in _DEFAULTS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        environ: Mapping[str, str] = os.environ
        if user is not None:
            environ = user.environment(os.environ)
            user.become()
        os.execvpe(argv[0], list(argv), environ)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(told, str(error.errno).encode())
    finally:
        os._exit(status)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit()
