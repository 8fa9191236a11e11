"""A whole live capture, from the held command to the report.

The order is the point: the broker, which alone will ask Docker, and the command are
forked while nothing is open; everything that needs privilege is opened; privilege is
given up; files are made as the user they belong to; the capture runs; only then does
the command start.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

from inspector.artifacts import write_files
from inspector.errors import ExitCode, InspectorError
from inspector.fact import Fact, field
from inspector.inspection import Inspector, OnExchange, OnTunnel
from inspector.live.broker import Broker
from inspector.live.command import Command, User
from inspector.live.files import Rotation, create
from inspector.live.opening import Opened, Wanted, open_everything
from inspector.live.privileges import confine, give_up
from inspector.live.proof import audited
from inspector.live.run import Ending, Keys, StopLimits, await_command, run
from inspector.live.session import Session
from inspector.live.signals import Signals
from inspector.model.live import EndedFor, Live, Redaction
from inspector.model.report import Report
from inspector.options import Options
from inspector.redaction import LIVE, NO_TIME, Redactor
from inspector.report.page.headline import nothing_captured
from inspector.secrets.vault import Vault

#: Endings that are no success, though the report stands.
_FAILURES: frozenset[EndedFor] = frozenset({"disk", "interface-gone", "failure"})

#: What `decryption` imports when the first key is made.
_DECRYPTION = (
    "cryptography.exceptions",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.ciphers.algorithms",
    "cryptography.hazmat.primitives.ciphers.modes",
)


class Plan(Fact, kw_only=True):
    """What is to be captured, for whom, and where it goes.

    `user` None: files and parsing stay with the user who runs this.
    `directory` is made if need be, for what is written at the end.  `raw`:
    credentials stay in the file.  `keep_bodies`: what bodies say stays.
    """

    wanted: Wanted
    options: Options
    user: User | None = None
    command: tuple[str, ...] = ()
    path: Path | None = None
    directory: Path | None = None
    rotation: Rotation | None = None
    raw: bool = False
    keep_bodies: bool = False
    keep_ciphertext: bool = False
    limits: StopLimits = field(default_factory=StopLimits)
    ready_file: Path | None = None
    pid_file: Path | None = None


class RunResult(Fact):
    """What came of it."""

    report: Report
    ending: Ending
    command_status: int | None
    #: Packets that were seen are not in the file.
    unwritten: bool
    #: No interface ever appeared: nothing was listened on.
    deaf: bool = False

    @property
    def exit_code(self) -> int:
        """The command's status when that is a failure, else what became of the capture."""
        if self.command_status:
            return self.command_status
        if self.ending.reason in _FAILURES or self.unwritten or self.deaf:
            return 1
        return 0 if self.report.connections else ExitCode.NOTHING_TO_ANALYSE


class Watchers(Fact):
    """Who is told of what happens while it happens."""

    on_exchange: OnExchange | None = None
    on_tunnel: OnTunnel | None = None
    on_begin: Callable[[Session], None] = lambda session: None
    on_tick: Callable[[Session], None] | None = None
    keys: Keys | None = None
    #: Loads whatever would be loaded late.
    prepare: Callable[[], None] = lambda: None
    tell: Callable[[str], None] = lambda sentence: None


def capture(plan: Plan, watchers: Watchers) -> RunResult:
    """Run a capture to its end.  Raises `InspectorError` when it cannot begin."""
    headers = plan.options.secret_headers()  # read now: files are closed to us later
    with Signals() as signals, contextlib.ExitStack() as held:
        broker = Broker.start()
        held.callback(broker.close)
        command = None
        if plan.command:
            command = Command(plan.command, plan.user)
            held.callback(command.abandon)
        opened = open_everything(plan.wanted, broker, watchers.tell)
        held.callback(opened.close)
        _load(watchers, decrypts=opened.keys is not None)
        privileges = give_up(plan.user)
        opened.rungs.append(confined := confine())
        if confined.state == "working":
            privileges += ", behind seccomp"
        if plan.directory is not None:
            write_files(plan.directory, {})  # it is made, or refused, before the command runs
        scrubber, vault = None, Vault(secrets.token_bytes(32))
        if plan.path is not None and not plan.raw:
            scrubber = Redactor(
                auth_headers=headers,
                kept_headers=plan.options.kept_headers,
                keep_bodies=plan.keep_bodies,
                keep_ciphertext=plan.keep_ciphertext,
                limits=LIVE,
                vault=vault,
            )
        session = _session(plan, opened, scrubber, vault, watchers)
        watchers.on_begin(session)
        # Said before the file is there: a script that waits for it shows what was said until then.
        _announce(plan, opened, privileges, watchers)
        held.enter_context(_told_to_scripts(plan))
        if command is not None:
            try:
                command.start()
            except InspectorError:
                session.discard()
                raise
        try:
            ending = _run(plan, session, opened, signals, command, watchers)
        except BaseException:
            if command is not None:
                await_command(command, signals)  # whatever befell us is no concern of it
            raise
        watchers.tell(ending.sentence)
        status = None
        if command is not None:
            status = await_command(command, signals)
        notes = _notes(session, opened)
        if scrubber is not None and (blank := scrubber.summary.blanked[NO_TIME]):
            notes += (_gave_way(blank, session.waited),)
        if scrubber is not None and session.files is not None:
            again = audited(session.files, vault, signals, tell=watchers.tell)
            notes += () if again is None else (again,)
        live = Live(
            ended_for=ending.reason,
            ending=ending.sentence,
            command_status=status,
            redaction=_redaction(plan),
            privileges=privileges,
            interfaces=(),
            rungs=tuple(opened.rungs),
            probes=(),
            notes=notes,
        )
        unwritten = session.files is not None and session.files.failed is not None
        report = session.report(live, doubts=_absences(opened))
        for sentence in _doubts(report):
            watchers.tell(sentence)
        return RunResult(report, ending, status, unwritten, deaf=session.deaf)


def _run(
    plan: Plan,
    session: Session,
    opened: Opened,
    signals: Signals,
    command: Command | None,
    watchers: Watchers,
) -> Ending:
    on_tick = watchers.on_tick
    return run(
        session,
        signals,
        command=command,
        limits=plan.limits,
        finder=opened.finder,
        keys=watchers.keys,
        on_tick=None if on_tick is None else partial(on_tick, session),
        tell=watchers.tell,
    )


def _load(watchers: Watchers, *, decrypts: bool) -> None:
    """Import what is otherwise imported when it is first needed.

    Once privilege is given up the program's own files may be out of reach: an
    environment of root's, used for somebody else.
    """
    for module in ("brotli", "traceback", "zstandard", *(_DECRYPTION if decrypts else ())):
        import_module(module)
    Inspector(Options()).finish()
    watchers.prepare()


def _session(
    plan: Plan, opened: Opened, scrubber: Redactor | None, vault: Vault, watchers: Watchers
) -> Session:
    return Session(
        plan.options,
        opened.sources,
        path=plan.path,
        rotation=plan.rotation,
        scrubber=scrubber,
        attribution=opened.attribution,
        on_exchange=watchers.on_exchange,
        on_tunnel=watchers.on_tunnel,
        vault=vault,
        keys=opened.keys,
        cutters=opened.cutters,
    )


@contextlib.contextmanager
def _told_to_scripts(plan: Plan) -> Iterator[None]:
    """The pid file while the block runs, and the ready file from now on."""
    if plan.pid_file is not None:
        _write(plan.pid_file, f"{os.getpid()}\n")
    try:
        if plan.ready_file is not None:
            _write(plan.ready_file, "ready\n")
        yield
    finally:
        if plan.pid_file is not None:
            plan.pid_file.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    with os.fdopen(create(path), "w", encoding="ascii") as out:
        out.write(text)


def _announce(plan: Plan, opened: Opened, privileges: str, watchers: Watchers) -> None:
    here = ", ".join(source.interface for source in opened.sources if source.interface)
    there = ", ".join(f"{what} (not there yet)" for what in opened.awaited())
    doing = [f"capturing {here}"] * bool(here) + [f"waiting for {there}"] * bool(there)
    end = f"until {plan.command[0]} ends" if plan.command else "until Ctrl-C"
    watchers.tell(f"{' and '.join(doing)} {end}; {privileges}")
    for rung in opened.lost:
        remedy = "" if rung.remedy is None else f"; {rung.remedy}"
        watchers.tell(f"{rung.name}: {rung.detail}{remedy}")
    if plan.raw and plan.path is not None:
        watchers.tell(
            f"--raw: {plan.path} will hold every credential that crosses the bridge, readable;"
            " do not upload it"
        )
        return
    if plan.keep_bodies and plan.path is not None:
        watchers.tell(
            f"--keep-bodies: {plan.path} will hold prompts, answers and whatever the agent reads;"
            " keys in them are masked only where they look like keys or were sent as such"
        )
    if plan.keep_ciphertext and plan.path is not None:
        watchers.tell(
            f"--keep-ciphertext: {plan.path} will hold what is encrypted in TLS; whoever gets the"
            " session keys later reads real keys in it"
        )


def _doubts(report: Report) -> Iterator[str]:
    """What a reader must know of the capture itself before believing the report."""
    live = report.live
    if live is None:
        return
    if nothing := nothing_captured(report):
        yield nothing
    for interface in live.interfaces:
        if interface.note is not None:
            yield f"{interface.name}: {interface.note}"
        if interface.dropped:
            yield (
                f"{interface.name}: {interface.dropped} of {interface.received} packets were"
                " dropped: the ring was full, this machine too busy"
            )
    yield from (f"{probe.name}: {probe.note}" for probe in live.probes if probe.note)
    yield from live.notes


def _gave_way(connections: int, waited: int) -> str:
    """What the copy lacks for the report's sake."""
    which = "1 connection is" if connections == 1 else f"{connections} connections are"
    return (
        f"packets came faster than they were read, up to {waited >> 20} MiB waited: {which} blank"
        " in the file from there on, the report is of all"
    )


def _redaction(plan: Plan) -> Redaction:
    if plan.path is None:
        return "nothing written"
    return "none" if plan.raw else "in place"


def _absences(opened: Opened) -> list[str]:
    """What was to be listened on and never was, each a clause."""
    if opened.finder is None:
        return []
    present = opened.finder.present()
    return [f"no {what.removeprefix('a ')} ever appeared ({present})" for what in opened.awaited()]


def _notes(session: Session, opened: Opened) -> tuple[str, ...]:
    notes = []
    for name, count in ({} if opened.finder is None else opened.finder.made_anew).items():
        times = "" if count == 1 else f" {count} times"
        notes.append(
            f"{name} was removed and made anew{times}: what crossed it before it was captured again"
            " is not here"
        )
    for source in session.sources:
        if source.downs:
            times = "" if source.downs == 1 else f" {source.downs} times"
            notes.append(
                f"{source.interface} went down{times}: nothing crossed it until it was up again"
            )
    if opened.broker is not None and opened.broker.trouble:
        notes.append(f"{opened.broker.trouble}: containers that came after that have no names")
    if opened.keys is not None:
        notes += opened.keys.notes()
    files = session.files
    if files is None:
        return tuple(notes)
    if files.failed is not None:
        written = sum(capture.packets for capture in files.finished)
        notes.append(
            f"{files.failed.strerror}: {written} of {session.packets} packets are in the file,"
            " the report is of all"
        )
    if files.removed:
        notes.append(f"{files.removed} files of the ring were removed for newer ones")
    return tuple(notes)
