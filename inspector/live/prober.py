"""The one process that may look into others: it puts probes where programs hand out TLS secrets.

It is forked with the programs loaded (`linux.ebpf.keys`), before a captured byte was parsed, and
*nobody can ask it anything*: the kernel tells it which processes are there, and it tells the
parser, over a pair of sockets that it never reads, what it did.  So a parser that was taken over
cannot have it look at a process of its choice.

What is proven before anything is done for a process:

* its network namespace is on the bridge (`linux.neighbours`), by the kernel's word alone; only
  then are secrets of that namespace's tasks let out of the kernel;
* the file is the one that the process runs or has mapped as code: it is opened through
  /proc/PID/exe and /proc/PID/map_files, which lead to that very file whatever its path says by now,
  and the probe is put into the file that was opened.  Of a namespace that is new, what is installed
  in the process's root is looked at besides, by a path that no link leads out of that root;
* the place in it follows from the file's own tables (`executables.key_log`), every one of which is
  bounded and may lie: a probe reads, and changes nothing.

It keeps three capabilities, a user that owns nothing, and a seccomp filter that refuses it what
the parser is refused, but `bpf` and `perf_event_open`.  It ends with the parser, and its probes
with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any, Final, NoReturn

from inspector.executables.elf import ElfImage, UnreadableProgram
from inspector.executables.key_log import KeyLogSite, find_key_log
from inspector.fact import Fact, replace
from inspector.linux import seccomp
from inspector.linux.ebpf.keys import PROBES, KeyPrograms, Presence, read_presence
from inspector.linux.ebpf.loader import BpfError
from inspector.linux.neighbours import Neighbours
from inspector.linux.roots import open_in_root
from inspector.live.command import User
from inspector.live.helper import NOBODY, let_go, shut
from inspector.live.privileges import keep_only
from inspector.regex import regex

#: Seconds that a capture with `--keys` waits for the processes that are there to be looked at.
PATIENCE: Final = 10.0
#: Seconds after which a namespace that was not on the bridge is looked at again.
_AGAIN: Final = 1.0
#: Namespaces and files remembered.
_REMEMBERED: Final = 4096
#: Programs that are named in the report as not to be probed.
REFUSED_LIMIT: Final = 32
#: Bytes of a process's table of mappings in which its libraries are looked for.
MAPS_LIMIT: Final = 4 << 20
_MESSAGE_LIMIT: Final = 4096
_NAME_LIMIT: Final = 96

#: CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_SYS_ADMIN: files of any owner, what a process runs, and
#: probes: Linux 6.18 refuses one (EACCES) to whoever has CAP_PERFMON and CAP_BPF alone.
_CAPABILITIES: Final = frozenset({2, 19, 21})
#: How ps calls it, in 15 bytes.
_NAME: Final = b"inspector-probe"
#: Where a root has what programs that begin later will run: so their first session is seen, too.
_INSTALLED: Final = (
    "/usr/lib/x86_64-linux-gnu/libssl.so.3",
    "/usr/lib64/libssl.so.3",
    "/usr/lib/libssl.so.3",
    "/usr/local/bin/node",
    "/usr/bin/node",
)
#: A library by the name that OpenSSL's has, as code: range and path of a line of maps.
_MAPPED: Final = regex(
    rb"^([0-9a-f]+-[0-9a-f]+) ..x. [0-9a-f]+ [0-9a-f:]+ \d+ +/(?:[^\n]*/)?(libssl[^/\n]*)$",
    re.MULTILINE,
)


class Probed(Fact):
    """A file with OpenSSL in it that a program on the bridge runs, or could run.

    `program` is what the process `pid` runs in whose root it was found.  `probe`: the number of
    its probe; None: there is none, `because` of something.  `is_unplaced`: where its sessions
    have the client's random is not known.
    """

    file: str
    program: str
    pid: int
    build: str = ""
    probe: int | None = None
    function: str = ""
    because: str = ""
    is_unplaced: bool = False


# --- the prober's side -------------------------------------------------------------------------


class Looker:
    """Decides about processes, one by one."""

    def __init__(
        self, programs: KeyPrograms, neighbours: Neighbours, tell: Callable[[Probed], None]
    ) -> None:
        self._programs = programs
        self._neighbours = neighbours
        self._tell = tell
        #: Namespaces by cookie: let in, or when they were last found elsewhere.
        self._inside: set[int] = set()
        self._outside: dict[int, float] = {}
        self._files: set[tuple[int, int]] = set()
        self._probes = self._refused = 0

    def consider(self, presence: Presence) -> None:
        """A process is there."""
        with contextlib.suppress(OSError):  # it has ended
            process = os.open(f"/proc/{presence.pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                is_new = presence.cookie not in self._inside
                if self._is_let_in(presence, process):
                    places = (*_code(process), *(_INSTALLED if is_new else ()))
                    self._look_into(presence.pid, process, places)
            finally:
                os.close(process)

    def _is_let_in(self, presence: Presence, process: int) -> bool:
        cookie = presence.cookie
        if cookie in self._inside:
            return True
        now = time.monotonic()
        if now < self._outside.get(cookie, float("-inf")) + _AGAIN:
            return False
        namespace = os.open("ns/net", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
        try:
            is_same = os.fstat(namespace).st_ino == presence.netns
            if is_same and self._neighbours.holds(process, namespace):
                self._programs.let_in(cookie)
                self._inside.add(cookie)
                return True
        finally:
            os.close(namespace)
        if len(self._outside) >= _REMEMBERED:
            self._outside.clear()
        self._outside[cookie] = now
        return False

    def _look_into(self, pid: int, process: int, places: Iterable[str]) -> None:
        program = _name(process, "exe")
        for place in places:
            try:
                file = _open(process, place)
            except OSError:
                continue  # it is not there, or has ended
            with os.fdopen(file, "rb"):
                self._look(Probed(_name(process, place), program, pid), file)

    def _look(self, found: Probed, file: int) -> None:
        about = os.fstat(file)
        key = about.st_dev, about.st_ino
        if key in self._files or len(self._files) >= _REMEMBERED:
            return
        self._files.add(key)
        try:
            image = ElfImage(lambda offset, size: os.pread(file, size, offset))
            found = replace(found, build=image.build_id)
            site = find_key_log(image)
        except (UnreadableProgram, OSError, ValueError) as error:
            self._refuse(found, str(error))
            return
        if site is not None:
            self._attach(found, file, site)

    def _attach(self, found: Probed, file: int, site: KeyLogSite) -> None:
        if self._probes == PROBES:
            self._refuse(found, f"{PROBES} files have a probe already")
            return
        try:
            self._programs.attach(f"/proc/self/fd/{file}", site, self._probes)
        except BpfError as error:
            self._refuse(found, error.culprit)
            return
        is_unplaced = site.layout.random_offset is None
        told = replace(found, probe=self._probes, function=site.name, is_unplaced=is_unplaced)
        self._tell(told)
        self._probes += 1

    def _refuse(self, found: Probed, because: str) -> None:
        self._refused += 1
        if self._refused <= REFUSED_LIMIT:
            self._tell(replace(found, because=because[:_NAME_LIMIT]))


def _open(process: int, place: str) -> int:
    """A file of a process, by a link of the kernel's or within its root; raises OSError."""
    if not place.startswith("/"):
        return os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=process)
    root = os.open("root", os.O_PATH | os.O_CLOEXEC, dir_fd=process)
    try:
        return open_in_root(root, place)
    finally:
        os.close(root)


def _name(process: int, place: str) -> str:
    """What a file is called, as it may be sent."""
    path = place
    if not place.startswith("/"):
        try:
            path = os.readlink(place, dir_fd=process)
        except OSError:
            path = "?"
    return path.rpartition("/")[2].encode(errors="replace").decode()[:_NAME_LIMIT]


def _code(process: int) -> Iterator[str]:
    """Links to what a process runs, and to its libraries by OpenSSL's name."""
    yield "exe"
    try:
        descriptor = os.open("maps", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
        with os.fdopen(descriptor, "rb") as file:
            maps = file.read(MAPS_LIMIT)
    except OSError:
        return
    for span, _ in _MAPPED.findall(maps):
        yield f"map_files/{span.decode()}"


def _serve(channel: socket.socket, programs: KeyPrograms, neighbours: Neighbours) -> None:
    """Look at who is there, then at who comes, until the parser is gone."""

    def tell(message: Any) -> None:
        told = json.dumps(message).encode()[:_MESSAGE_LIMIT]
        with contextlib.suppress(BlockingIOError):  # nobody reads: the probe works all the same
            channel.send(told, socket.MSG_DONTWAIT)

    looker = Looker(programs, neighbours, lambda found: tell(asdict(found)))
    coming = programs.presences()
    for presence in programs.existing():
        looker.consider(presence)
    tell(None)
    poll = select.poll()
    poll.register(channel, 0)  # that it was closed
    poll.register(coming, select.POLLIN)
    while True:
        if any(descriptor == channel.fileno() for descriptor, _ in poll.poll()):
            return
        for data in coming.read():
            looker.consider(read_presence(data))


def _child(channel: socket.socket, programs: KeyPrograms, neighbours: Neighbours) -> NoReturn:
    """The prober: nothing here may raise, and nothing may return."""
    try:
        let_go({channel.fileno(), neighbours.fileno(), *programs.descriptors()})
        shut(_NAME)
        keep_only(User(NOBODY, NOBODY), _CAPABILITIES)
        seccomp.install(allowed={"bpf", "perf_event_open"})
        _serve(channel, programs, neighbours)
    except BaseException:
        os._exit(1)
    finally:
        os._exit(0)


# --- the parser's side -------------------------------------------------------------------------


class Prober:
    """What the prober tells; made by `start`, which waits for those who are there already."""

    def __init__(self, channel: socket.socket, pid: int) -> None:
        self._channel = channel
        self.pid = pid
        self.files: list[Probed] = []
        #: It has looked at the processes that were there.
        self.is_ready = False
        #: Why nothing more is probed; empty as long as it is.
        self.trouble = ""

    @classmethod
    def start(cls, programs: KeyPrograms, neighbours: Neighbours) -> Prober:
        """Fork it, and wait until it has looked at the processes that are there."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            _child(its, programs, neighbours)
        its.close()
        programs.give_away()
        prober = cls(ours, pid)
        ours.settimeout(PATIENCE)
        while not (prober.is_ready or prober.trouble):
            prober._receive()
        ours.setblocking(False)
        return prober

    def read(self) -> None:
        """Take what it has told, into `files`; never waits."""
        while not self.trouble and self._receive():
            pass

    def close(self) -> None:
        """Close the socket, which ends the prober and its probes.  Idempotent."""
        if self._channel.fileno() < 0:
            return
        self.read()
        self._channel.close()
        os.waitpid(self.pid, 0)

    def _receive(self) -> bool:
        try:
            told = self._channel.recv(_MESSAGE_LIMIT)
        except BlockingIOError:
            return False
        except TimeoutError:
            self.is_ready = True  # it goes on looking
            return False
        except OSError:
            told = b""
        if not told:
            self.trouble = "the process that attaches probes has ended"
            return False
        found = json.loads(told)
        if found is None:
            self.is_ready = True
        else:
            self.files.append(Probed(**found))
        return True
