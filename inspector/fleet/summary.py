"""What the tables of a fleet say together: counted in one look at each, in bounded memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, TypeAlias

from inspector.errors import ExitCode
from inspector.fact import Fact
from inspector.fleet.rates import Rate
from inspector.fleet.store import Store
from inspector.model.conclusions import SEVERITIES, Severity

GroupBy: TypeAlias = Literal["cause", "client", "provider", "repository", "week"]

#: What a run may have, and others may not.
Thing: TypeAlias = Literal["cause", "finding", "client", "credential", "denied host"]
#: What a run may have several of -> the column of `runs` that lists it.
LISTED: Final[Mapping[Thing, str]] = {
    "finding": "findings",
    "client": "clients",
    "credential": "auth",
    "denied host": "denied",
}

#: Runs of one kind that are named one by one, the latest: with keys that look real, with a cause,
#: without a judgement.  The tables name all.
NAMED: Final = 500
#: What stands for a run in a group of causes that has none.
NONE_FAILED: Final = "no call failed"
CANNOT_TELL: Final = "cannot tell"
#: What stands for a run that does not say where it is from.
NOWHERE: Final = "not known"

_RUNS: Final = (
    "key", "run", "source", "labels", "failure", "error", "completeness", "cause", "cause_sentence",
    "could_tell", "providers", "clients", "auth", "real_keys", "denied", "findings",
    "worst", "proves_absence", "policy", "policy_verdict", "policy_exit_code",
)  # fmt: skip


@dataclass(slots=True)
class RunGroup:
    """Runs that have something in common."""

    name: str
    """What."""
    runs: int = 0
    """How many there are."""
    could_tell: int = 0
    """Of these, runs with a cause or proven to have no failed call."""
    with_cause: int = 0
    """Of these, runs with a cause."""
    causes: Counter[str] = field(default_factory=Counter)
    """Runs by cause."""

    @property
    def failed(self) -> Rate:
        """Runs with a cause, of those that could tell."""
        return Rate(self.with_cause, self.could_tell)

    def add(self, run: Mapping[str, Any]) -> None:
        """Count a run."""
        self.runs += 1
        self.could_tell += bool(run["could_tell"])
        if run["cause"] is not None:
            self.with_cause += 1
            self.causes[run["cause"]] += 1


@dataclass(slots=True)
class CredentialUse:
    """How a client sent a credential to a provider."""

    client: str
    """The program with its version."""
    provider: str
    """Whose API was asked."""
    auth: str
    """Header, scheme and kind: `authorization Bearer placeholder`; empty without a credential."""
    runs: int = 0
    """In how many runs."""
    requests: int = 0
    """In how many requests."""
    last_key: str = ""
    """The run that was counted last: rows of a run stand together."""


@dataclass(slots=True)
class Denied:
    """A host and port that a rule of the proxy denied."""

    host: str
    """Host and port."""
    runs: int = 0
    """In how many runs."""
    tunnels: int = 0
    """CONNECTs to it that were denied."""
    last_key: str = ""
    """The run that was counted last."""


class NamedRun(Fact):
    """A run that is told of by its name."""

    day: str | None
    """Its day."""
    run: str
    """Its name."""
    source: str
    """Where it lies."""
    what: str
    """What there is to say of it."""


class New(Fact):
    """What no run before a date had."""

    kind: Thing
    """What kind of thing it is."""
    name: str
    """Which."""
    first: str
    """The first day."""
    runs: int
    """In how many runs since."""


@dataclass(slots=True)
class Summary:
    """Everything that the page of a fleet tells; counts are of runs since `since`."""

    since: str | None = None
    group_by: GroupBy = "cause"
    whole: RunGroup = field(default_factory=lambda: RunGroup("all"))
    first: str | None = None
    last: str | None = None
    before: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    completeness: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    worst: Counter[str] = field(default_factory=Counter)
    unproven: int = 0
    weeks: dict[str, RunGroup] = field(default_factory=dict)
    groups: dict[str, RunGroup] = field(default_factory=dict)
    sent: dict[tuple[str, str, str], CredentialUse] = field(default_factory=dict)
    denied: dict[str, Denied] = field(default_factory=dict)
    policies: dict[str, Counter[str]] = field(default_factory=dict)
    real_keys: int = 0
    with_keys: deque[NamedRun] = field(default_factory=lambda: deque(maxlen=NAMED))
    with_causes: deque[NamedRun] = field(default_factory=lambda: deque(maxlen=NAMED))
    not_read: deque[NamedRun] = field(default_factory=lambda: deque(maxlen=NAMED))
    new: list[New] = field(default_factory=list)
    _exits: set[int] = field(default_factory=set)

    def exit_code(self, fail_on: Severity | None) -> ExitCode:
        """What `--fail-on` and the policies of all runs come to: broken before not proven."""
        codes = set(self._exits)
        if fail_on is not None:
            levels = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
            if any(self.worst[level] for level in levels):
                codes.add(ExitCode.BROKEN)
            if self.unproven:
                codes.add(ExitCode.NOT_PROVEN)
        for code in (ExitCode.BROKEN, ExitCode.NOT_PROVEN):
            if code in codes:
                return code
        return ExitCode.DONE


def summarise(store: Store, *, since: date | None = None, group_by: GroupBy = "cause") -> Summary:
    """Count over the tables.  Runs without a day are in every count."""
    told = Summary(None if since is None else since.isoformat(), group_by)
    firsts: dict[tuple[Thing, str], list[Any]] = {}
    for run in store.rows("runs", _RUNS):
        day = run["day"]
        is_in = told.since is None or day is None or day >= told.since
        if run["failure"] is None:
            for name in _seen(run):
                first = firsts.setdefault(name, [day, 0])
                first[1] += is_in
                if day is not None and (first[0] is None or day < first[0]):
                    first[0] = day
        if is_in:
            _count(told, run)
        else:
            told.before += 1
    days = [day for day in store.days() if told.since is None or day >= told.since]
    for client in store.rows("clients", ("key", "program", "version", "provider", "auth"), days):
        _count_client(told, client)
    for tunnel in store.rows("tunnels", ("key", "host", "port", "denied"), days):
        if tunnel["denied"]:
            _count_denied(told, tunnel)
    if told.since is not None and told.before:
        told.new = sorted(
            (
                New(kind, name, day, runs)
                for (kind, name), (day, runs) in firsts.items()
                if day is not None and day >= told.since
            ),
            key=lambda new: (new.kind, new.first, new.name),
        )
    return told


def _seen(run: Mapping[str, Any]) -> Iterator[tuple[Thing, str]]:
    """Kind and name of what may be new."""
    if run["cause"] is not None:
        yield "cause", run["cause"]
    for kind, column in LISTED.items():
        for name in run[column]:
            yield kind, name


def _count(told: Summary, run: Mapping[str, Any]) -> None:
    day = run["day"]
    told.whole.add(run)
    if day is not None:
        told.first = min(told.first or day, day)
        told.last = max(told.last or day, day)
        told.weeks.setdefault(week_of(day), RunGroup(week_of(day))).add(run)
    if run["policy_exit_code"]:
        told._exits.add(run["policy_exit_code"])
    if run["failure"] is not None:
        told.failures[run["failure"]] += 1
        told.unproven += 1
        told.not_read.appendleft(_named(run, f"{run['failure']}: {run['error']}"))
        return
    told.completeness[run["completeness"]] += 1
    told.findings.update(run["findings"])
    told.unproven += not run["proves_absence"]
    if run["worst"] is not None:
        told.worst[run["worst"]] += 1
    if run["real_keys"]:
        told.real_keys += 1
        told.with_keys.appendleft(_named(run, _times(run["real_keys"])))
    if run["cause"] is not None:
        told.with_causes.appendleft(_named(run, f"{run['cause']}: {run['cause_sentence']}"))
    if run["policy"] is not None:
        told.policies.setdefault(run["policy"], Counter())[run["policy_verdict"]] += 1
    for name in _groups_of(run, told.group_by):
        told.groups.setdefault(name, RunGroup(name)).add(run)


def _groups_of(run: Mapping[str, Any], by: GroupBy) -> Iterable[str]:
    match by:
        case "cause":
            told = run["cause"] or (NONE_FAILED if run["could_tell"] else CANNOT_TELL)
            return (told,)
        case "client":
            return run["clients"] or (NOWHERE,)
        case "provider":
            return run["providers"] or (NOWHERE,)
        case "repository":
            return (run["labels"].get("repository", NOWHERE),)
        case "week":
            return (NOWHERE if run["day"] is None else week_of(run["day"]),)


def week_of(day: str) -> str:
    """The week of a day as ISO 8601 writes it: `2026-W48`."""
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02d}"


def _times(count: int) -> str:
    return "sent once" if count == 1 else f"sent {count:,} times"


def _named(run: Mapping[str, Any], what: str) -> NamedRun:
    return NamedRun(run["day"], run["run"], run["source"], what)


def _count_client(told: Summary, client: Mapping[str, Any]) -> None:
    who = "/".join(filter(None, (client["program"], client["version"]))) or "no user agent"
    credentials = [
        (" ".join(filter(None, (auth["name"].lower(), auth["scheme"], auth["kind"]))),
         auth["requests"])
        for auth in client["auth"]
    ] or [("", 0)]  # fmt: skip
    for auth, requests in credentials:
        combination = (who, client["provider"], auth)
        sent = told.sent.setdefault(combination, CredentialUse(*combination))
        sent.requests += requests
        if sent.last_key != client["key"]:
            sent.runs, sent.last_key = sent.runs + 1, client["key"]


def _count_denied(told: Summary, tunnel: Mapping[str, Any]) -> None:
    host = f"{tunnel['host'] or 'not known'}:{tunnel['port'] or '?'}"
    denied = told.denied.setdefault(host, Denied(host))
    denied.tunnels += 1
    if denied.last_key != tunnel["key"]:
        denied.runs, denied.last_key = denied.runs + 1, tunnel["key"]
