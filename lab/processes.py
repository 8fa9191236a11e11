"""Programs of the lab: started in a session of their own, awaited, ended with all they started."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType

#: Variables that a program in the lab sees.  All others stay outside: a proxy or a real key
#: in the environment of whoever records would end up in the capture.
INHERITED = ("PATH", "LANG", "LC_ALL", "TERM", "TMPDIR")

_POLL = 0.01
#: Nothing more comes from a client that has sent nothing for so many seconds.
_QUIET = 0.3
_TAIL = 2000


class LabError(Exception):
    """The lab cannot do what was asked: what was missing or failed, and what it said."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A clean environment with ``extra`` on top.  ``HOME`` is empty of anybody's settings."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, "HOME": "/nonexistent", **(extra or {})}


def why_not(*programs: str) -> str | None:
    """The reason why a lab with these programs cannot run here; None where it can.

    ``ip`` is always needed.
    """
    if os.geteuid() != 0:
        return "the lab needs root (it makes network namespaces)"
    missing = [name for name in ("ip", *programs) if find(name) is None]
    if missing:
        return f"the lab needs {', '.join(missing)} (tools/system-packages lab)"
    return _kernel_refusal()


@functools.cache
def _kernel_refusal() -> str | None:
    """Root in a container may not do all that a lab needs: tried in a namespace that vanishes."""
    # The first two are what `ip netns exec` does.
    probe = (
        "mount --make-rslave / && mount -t sysfs lab /sys"
        " && ip link add type bridge && ip link add type veth"
    )
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", probe], capture_output=True, text=True
    )
    if done.returncode == 0:
        return None
    return f"the kernel gives no namespace with a bridge and veth pairs: {done.stderr.strip()}"


def find(program: str) -> str | None:
    """Where a program is; Debian keeps some outside of a user's PATH."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which(program, path=f"{path}:/usr/sbin:/sbin")


def until(condition: Callable[[], bool], what: str, *, timeout: float = 10.0) -> None:
    """Wait for a condition.

    :raises LabError: it did not come true within ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(_POLL)


class Process:
    """One running program of the lab, its output in ``log``.

    A context manager: at its end the program and everything in its process group is gone.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or Path(argv[0]).name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(env),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id, and the id of its session and process group."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self.returncode is None

    @property
    def returncode(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        if self._popen.returncode is not None:
            return self._popen.returncode
        # WNOWAIT leaves it a zombie: as long as its id is taken, so is that of its group.
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def wait_ready(self, ready: str | int | Callable[[], bool], *, timeout: float = 15.0) -> None:
        """Wait for a text in its log, a TCP port it listens on, or a condition of the caller.

        Listening is read from /proc: no probe leaves a packet in the capture.

        :raises LabError: it ended before, or was not ready within ``timeout`` seconds.
        """
        if isinstance(ready, str):
            what = f"{ready!r} in the log of {self.name}"
            is_ready: Callable[[], bool] = lambda: ready in self.output()  # noqa: E731
        elif isinstance(ready, int):
            what = f"{self.name} to listen on port {ready}"
            is_ready = lambda: ready in listening_ports(self.pid)  # noqa: E731
        else:
            what = f"{self.name} to be ready"
            is_ready = ready
        try:
            until(lambda: not self.running or is_ready(), what, timeout=timeout)
        except LabError as error:
            raise LabError(f"{error}; it said:\n{self.output()[-_TAIL:]}") from None
        if not self.running and not is_ready():
            raise LabError(
                f"{self.name} ended with status {self.returncode} before it was ready; it said:\n"
                f"{self.output()[-_TAIL:]}"
            )

    def output(self) -> str:
        """What it has said so far."""
        return self.log.read_text(errors="replace")

    def wait(self, timeout: float = 30.0) -> int:
        """Exit status once it has ended by itself.

        :raises LabError: it has not.
        """
        until(lambda: not self.running, f"{self.name} to end", timeout=timeout)
        self.kill()
        return self._popen.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        if self.running:
            os.kill(self.pid, number)

    @contextlib.contextmanager
    def held(self, port: int) -> Iterator[None]:
        """Give the program no processor until something came to its port, and nothing more does.

        So it reads all that its client sends of itself before it answers, on any machine.
        """
        self.send_signal(signal.SIGSTOP)
        going_on = Thread(target=self._go_on_when_sent_to, args=(port,))
        going_on.start()
        try:
            yield
        finally:
            going_on.join()

    def _go_on_when_sent_to(self, port: int) -> None:
        came, since = 0, time.monotonic()

        def is_quiet() -> bool:
            nonlocal came, since
            waiting = unread_bytes(self.pid, port)
            if waiting != came:
                came, since = waiting, time.monotonic()
            return bool(came) and time.monotonic() - since > _QUIET

        try:
            with contextlib.suppress(LabError):
                until(is_quiet, f"something to be sent to {self.name}")
        finally:
            self.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the whole group at once, as an out-of-memory killer would.  Twice is once."""
        if self._popen.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()

    def terminate(self) -> None:
        """Ask the whole group to end, and do not wait."""
        if self.running:
            os.killpg(self.pid, signal.SIGTERM)

    def stop(self, *, grace: float = 3.0) -> None:
        """Ask it to end, then make it; what is left of its group goes too."""
        if self.running:
            self.terminate()
            with contextlib.suppress(LabError):
                until(lambda: not self.running, f"{self.name} to end", timeout=grace)
        self.kill()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


_LISTEN = "0A"


def listening_ports(pid: int) -> set[int]:
    """TCP ports on which anything listens in the network namespace of a process."""
    return {
        int(local.rpartition(":")[2], 16) for local, state, _ in _sockets(pid) if state == _LISTEN
    }


def unread_bytes(pid: int, port: int) -> int:
    """Bytes that came to a TCP port there, and that nobody has read yet."""
    return sum(
        int(queues.rpartition(":")[2], 16)
        for local, state, queues in _sockets(pid)
        if state != _LISTEN and int(local.rpartition(":")[2], 16) == port
    )


def _sockets(pid: int) -> Iterator[tuple[str, str, str]]:
    """Of each TCP socket there its own end, its state, and what waits: to be sent, to be read."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue  # it has just ended, or IPv6 is not there
        for line in lines:
            _, local, _, state, queues, *_ = line.split()
            yield local, state, queues
