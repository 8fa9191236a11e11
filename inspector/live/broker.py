"""The one process that keeps a privilege during a capture: it asks the Docker engine.

Who can reach an engine can start a privileged container, so a parser of hostile
bytes must not hold a connection to one.  The broker is forked before anything is
opened or parsed, and alone can connect to the engine; the parser keeps a pair of
sockets to it, over which it may ask the questions of `QUESTIONS` and nothing
else.  A question is a table row: the form of its argument, and who answers it.

A message is `number question [argument]`; its answer is JSON, `[number, answer]`.
Whatever is not of that form is refused unread.  The broker ends when the parser
does; when the broker ends first, the parser goes on, `trouble` says so, and
containers have no names from then on.

It keeps the right to connect to the engine's socket, by its user or group, and
no capability; a seccomp filter refuses it everything that the parser is refused
but `socket` and `connect`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import socket
import stat
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Final, NoReturn

from inspector.fact import Fact
from inspector.linux import seccomp
from inspector.linux.docker import DockerNetwork, DockerView, Events
from inspector.live.command import User
from inspector.live.helper import NOBODY, let_go, shut
from inspector.live.privileges import give_up
from inspector.regex import regex

#: Longest question and longest answer, in bytes.
LONGEST_QUESTION: Final = 96
LONGEST_ANSWER: Final = 64 << 10
#: Seconds that the parser waits for an answer; packets wait in the ring meanwhile.
PATIENCE: Final = 3.0
#: Seconds after which the engine is asked again for what it did not know, or did not answer.
_AGAIN: Final = 1.0
#: Seconds after which an engine that has ended is looked for again.
_RETRY: Final = 5
#: Containers remembered; the oldest are forgotten.
_REMEMBERED: Final = 65_536
#: A container's name has fewer characters.
_LONGEST_NAME: Final = 255

_FORM: Final = regex(rb"(\d{1,9}) ([a-z]{1,16})(?: ([\x21-\x7e]{1,64}))?")
_NOTHING: Final = regex(rb"")
_CONTAINER: Final = regex(rb"[0-9a-f]{64}")
#: How ps calls it, in 15 bytes.
_NAME: Final = b"inspector-ask"


# --- the broker's side -------------------------------------------------------------------------


class Engine:
    """What the broker knows of the engine, and asks it when it does not."""

    def __init__(self, view: DockerView) -> None:
        self._view = view
        self._names: OrderedDict[str, str] = OrderedDict()
        self._asked = float("-inf")
        self.events: Events | None = None
        if view.answers:
            self.listen()

    def listen(self) -> None:
        """Hear of containers from now on; what there is already is listed after that."""
        self.events = Events.open(self._view.path)
        self._list()

    def hear(self) -> None:
        """Take what the engine has told."""
        told = None if self.events is None else self.events.read()
        if told is not None:
            self._learn(told)
        elif self.events is not None:
            self.events.close()
            self.events = None

    def state(self, argument: str) -> object:
        return {"path": self._view.path, "trouble": self._view.trouble}

    def networks(self, argument: str) -> object:
        return [
            {
                "name": each.name,
                "id": each.id,
                "device": each.device,
                "subnets": list(map(str, each.subnets)),
                "internal": each.internal,
            }
            for each in self._view.networks()
        ]

    def container(self, argument: str) -> object:
        if argument not in self._names:
            self.hear()
        if argument not in self._names and time.monotonic() >= self._asked + _AGAIN:
            if self.events is None:
                self.listen()
            else:
                self._list()
        return self._names.get(argument)

    def _list(self) -> None:
        self._learn(self._view.names())
        self._asked = time.monotonic()

    def _learn(self, told: dict[str, str]) -> None:
        for identity, name in told.items():
            if _CONTAINER.fullmatch(identity.encode(errors="replace")):
                self._names[identity] = name[:_LONGEST_NAME].encode(errors="replace").decode()
                self._names.move_to_end(identity)
        while len(self._names) > _REMEMBERED:
            self._names.popitem(last=False)


class Question(Fact):
    """A question that the parser may ask: the form of its argument, and who answers it."""

    argument: re.Pattern[bytes]
    answer: Callable[[Engine, str], object]


#: All that the parser may ask.
QUESTIONS: Final[dict[bytes, Question]] = {
    b"engine": Question(_NOTHING, Engine.state),
    b"networks": Question(_NOTHING, Engine.networks),
    b"container": Question(_CONTAINER, Engine.container),
}


def reply(engine: Engine, message: bytes) -> bytes:
    """The answer to a message: null for none of the questions, nothing for no message at all."""
    form = _FORM.fullmatch(message) if len(message) <= LONGEST_QUESTION else None
    if form is None:
        return b""
    number, argument, answer = int(form[1]), form[3] or b"", None
    question = QUESTIONS.get(form[2])
    if question is not None and question.argument.fullmatch(argument):
        answer = question.answer(engine, argument.decode())
    told = json.dumps([number, answer]).encode()
    return told if len(told) <= LONGEST_ANSWER else json.dumps([number, None]).encode()


def serve(channel: socket.socket, engine: Engine) -> None:
    """Answer until the other side is gone."""
    while True:
        poll = select.poll()
        poll.register(channel, select.POLLIN)
        events = engine.events
        if events is not None:
            poll.register(events, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(None if events else _RETRY * 1000)}
        if events is None and not ready:
            engine.listen()
        elif events is not None and events.fileno() in ready:
            engine.hear()
        if channel.fileno() not in ready:
            continue
        message = channel.recv(LONGEST_QUESTION + 1)
        if not message:
            return
        if answer := reply(engine, message):
            channel.send(answer)


def _child(channel: socket.socket, open_engine: Callable[[], DockerView]) -> NoReturn:
    """The broker: nothing here may raise, and nothing may return."""
    try:
        let_go({channel.fileno()})
        view = open_engine()
        _drop(view.path)
        serve(channel, Engine(view))
    except BaseException:
        os._exit(1)
    finally:
        os._exit(0)


def _drop(path: str) -> None:
    """Keep what it takes to connect to the socket at `path`, and nothing else."""
    if os.geteuid() == 0:
        give_up(_least_user(Path(path)))
    shut(_NAME)
    seccomp.install(allowed={"socket", "connect"})


def _least_user(path: Path) -> User | None:
    """Who may connect to a socket and else as little as possible; None: root alone."""
    try:
        about = path.stat()
    except OSError:
        return None
    candidates = [User(about.st_uid, about.st_gid)] if about.st_uid else []
    if about.st_mode & stat.S_IWGRP and about.st_gid:
        candidates.insert(0, User(NOBODY, about.st_gid))
    return next((user for user in candidates if _may_connect(user, path)), None)


def _may_connect(user: User, path: Path) -> bool:
    """Whether such a user reaches the socket: tried with effective ids, then taken back."""
    groups = os.getgroups()
    try:
        os.setgroups([])
        os.setegid(user.gid)
        os.seteuid(user.uid)
        return os.access(path, os.R_OK | os.W_OK, effective_ids=True)
    except OSError:
        return False  # a root that may not become somebody else
    finally:
        os.seteuid(0)
        os.setegid(0)
        with contextlib.suppress(OSError):
            os.setgroups(groups)


# --- the parser's side -------------------------------------------------------------------------


class Broker:
    """Asks the broker; made by `start`.  Each answer is bounded, and awaited for `PATIENCE`."""

    def __init__(self, channel: socket.socket, pid: int) -> None:
        self._channel = channel
        self._number = 0
        self._silent_until = float("-inf")
        self.pid = pid
        #: Why there are no answers any more; empty as long as there are.
        self.trouble = ""

    @classmethod
    def start(cls, open_engine: Callable[[], DockerView] = DockerView.open) -> Broker:
        """Fork it, before anything is read that it should not have seen."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            _child(its, open_engine)
        its.close()
        return cls(ours, pid)

    def engine(self) -> tuple[str, str]:
        """Where the engine is, and what is wrong with it; empty: it answers."""
        answer = self._ask(b"engine", patience=3 * PATIENCE)  # it is being connected to
        if not isinstance(answer, dict):
            return "", self.trouble or "the Docker engine does not answer in time"
        return str(answer["path"]), str(answer["trouble"])

    def networks(self) -> Sequence[DockerNetwork]:
        """All bridge networks; none when the engine does not answer."""
        answer = self._ask(b"networks")
        if not isinstance(answer, list):
            return []
        return [
            DockerNetwork(
                name=each["name"],
                id=each["id"],
                device=each["device"],
                subnets=tuple(map(ip_network, each["subnets"])),
                internal=each["internal"],
            )
            for each in answer
        ]

    def container_name(self, identity: str) -> str | None:
        """The name of the container with this id of 64 hex digits, if the engine knows it."""
        answer = self._ask(b"container", identity.encode())
        return answer if isinstance(answer, str) else None

    def close(self) -> None:
        """Close the socket, which ends the broker.  Idempotent."""
        if self._channel.fileno() < 0:
            return
        self._channel.close()
        pidfd = os.pidfd_open(self.pid)
        try:
            # It may be waiting for an engine that is mute: then it ends a little later by itself.
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            if poll.poll(PATIENCE * 1000):
                os.waitpid(self.pid, 0)
        finally:
            os.close(pidfd)

    def _ask(self, question: bytes, argument: bytes = b"", *, patience: float = PATIENCE) -> object:
        """The answer; None when there is none, or not in time."""
        if self.trouble or time.monotonic() < self._silent_until:
            return None
        self._channel.settimeout(patience)
        self._number = (self._number + 1) % 1_000_000_000
        message = b"%d %s" % (self._number, question) + (b" " + argument if argument else b"")
        try:
            self._channel.send(message)
            while answer := self._channel.recv(LONGEST_ANSWER):
                number, told = json.loads(answer)
                if number == self._number:  # else to one that was given up
                    return told
        except TimeoutError:
            self._silent_until = time.monotonic() + PATIENCE
            return None
        except OSError:
            pass
        self.trouble = "the process that asks the Docker engine has ended"
        return None
