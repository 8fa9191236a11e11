"""What changed between two runs, or sets two clients of one run apart.

Both sides become the same list of aspects, each a short text; what differs is
told, what is alike is counted.  Credentials are compared by kind, length and
fingerprint: of two reports that were made with different keys every
fingerprint differs, and nothing can be said of the values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from rich.console import RenderableType
from rich.text import Text

from inspector.model.http import Exchange
from inspector.model.report import Report
from inspector.model.topology import Client
from inspector.report.page import grouping, words
from inspector.report.page.escape import clipped, visible
from inspector.report.page.layout import STYLES, notes, printed, table
from inspector.report.page.view import View

#: The format of the JSON and its version, as a report has its own (docs/report.md, "Versions").
SCHEMA: Final = "inspector.compare/1.0"

#: Aspect -> its text; an aspect that a side lacks is absent.
_Aspects = Mapping[str, str]

_FEW: Final = 12
#: What the aspect of a header's name begins with.
_HEADER: Final = "header "


@dataclass(frozen=True, slots=True)
class Side:
    """A report, or with `client` one of its clients: those whose user agent contains it."""

    name: str
    report: Report
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """An aspect of something that the two sides have differently; null where a side lacks it."""

    of: str
    aspect: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between `a` and `b`, how many aspects are alike, how many differ and may."""

    a: str
    b: str
    differences: tuple[Difference, ...]
    alike: int
    ignored: int = 0


def compare(a: Side, b: Side, ignore: Sequence[str] = ()) -> Comparison:
    """Compare two sides.  Two clients of one run are compared with each other alone.

    `ignore` are patterns (`*` is any text) of what may differ: an aspect (`calls`), a thing
    (`findings`), or both (`tunnels/*telemetry*`).
    """
    differences: list[Difference] = []
    passed_over = 0
    alike = 0
    for of, left, right in _things(a, b):
        for aspect in dict.fromkeys((*left, *right)):
            before, after = left.get(aspect), right.get(aspect)
            if before == after:
                alike += 1
            elif _is_ignored(of, aspect, ignore):
                passed_over += 1
            else:
                differences.append(Difference(of, aspect, before, after))
    return Comparison(_name(a), _name(b), tuple(differences), alike, passed_over)


def _is_ignored(of: str, aspect: str, patterns: Sequence[str]) -> bool:
    names = (of, aspect, f"{of}/{aspect}")
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def matching(side: Side) -> list[Client]:
    """The clients that a side is about."""
    if side.client is None:
        return list(side.report.clients)
    wanted = side.client.lower()
    return [c for c in side.report.clients if wanted in (c.user_agent or "").lower()]


def page(comparison: Comparison, *, width: int = 80, color: bool = False) -> str:
    """The comparison for people.  All captured text is escaped."""
    return printed(_blocks(comparison), width=width, color=color)


def _blocks(comparison: Comparison) -> Iterator[RenderableType]:
    yield Text(f"A  {clipped(comparison.a, words.CELL)}")
    yield Text(f"B  {clipped(comparison.b, words.CELL)}\n")
    by_thing = grouping.groups(comparison.differences, lambda difference: difference.of)
    for group in by_thing:
        yield Text(group[0].of, STYLES["heading"])
        grid = table("", "A", "B")
        for difference in (d for d in group if not d.aspect.startswith(_HEADER)):
            grid.add_row(difference.aspect, _cell(difference.a), _cell(difference.b))
        headers = [d for d in group if d.aspect.startswith(_HEADER)]
        if headers:
            grid.add_row("headers", _names(headers, "a"), _names(headers, "b"))
        yield from notes(grid)
    same = words.count(comparison.alike, "aspect")
    said = f"{same} alike" if comparison.differences else f"No difference: {same} alike"
    if comparison.ignored:
        said += f", {words.count(comparison.ignored, 'difference')} ignored"
    yield Text(f"{said}.", STYLES["answer"])


def plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison for JSON."""
    return {
        "schema": SCHEMA,
        "a": comparison.a,
        "b": comparison.b,
        "differences": [
            {"of": d.of, "aspect": d.aspect, "a": d.a, "b": d.b} for d in comparison.differences
        ],
        "alike": comparison.alike,
        "ignored": comparison.ignored,
    }


def _name(side: Side) -> str:
    return side.name if side.client is None else f"{side.name}, client {side.client}"


def _names(differences: Sequence[Difference], side: Literal["a", "b"]) -> Text:
    """Names of headers that one side alone sends."""
    names = [d.aspect.removeprefix(_HEADER) for d in differences if getattr(d, side) is not None]
    return _cell("\n".join(names) or None)


def _cell(text: str | None) -> Text:
    return Text("-", STYLES["rule"]) if text is None else Text(text)


def _things(a: Side, b: Side) -> Iterator[tuple[str, _Aspects, _Aspects]]:
    left, right = View(a.report), View(b.report)
    if a.client is None and b.client is None:
        for of, aspects in _RUN:
            yield of, aspects(left), aspects(right)
    for of, one, other in _pairs(a, b):
        yield of, _client(left, one), _client(right, other)


def _pairs(a: Side, b: Side) -> Iterator[tuple[str, list[Client], list[Client]]]:
    """Clients that are to be compared: by program and provider; two named ones by provider."""
    named = a.client is not None or b.client is not None

    def key(client: Client) -> str:
        program = "the clients" if named else _program(client.user_agent)
        return f"{program} -> {client.provider}"

    pairs: dict[str, tuple[list[Client], list[Client]]] = {}
    for place, side in enumerate((a, b)):
        for client in matching(side):
            pairs.setdefault(key(client), ([], []))[place].append(client)
    for of, (ours, theirs) in pairs.items():
        yield of, ours, theirs


def _program(user_agent: str | None) -> str:
    """The name of a program without its version."""
    if user_agent is None:
        return "no user agent"
    return clipped(user_agent.partition("/")[0], 60)


def _client(view: View, clients: Sequence[Client]) -> dict[str, str]:
    """What the clients of one program did, as aspects."""
    if not clients:
        return {}
    calls = [call for client in clients for call in view.page.made_by(client)]
    statuses: Counter[str] = Counter()
    for client in clients:
        statuses.update(client.statuses)
    aspects = {
        "user agent": _listed(clipped(c.user_agent or "none", words.CELL) for c in clients),
        "calls": str(sum(client.requests for client in clients)),
        "answers": words.answers(statuses),
        "auth headers": _listed(words.header(h) for c in clients for h in c.auth_headers) or "none",
    }
    for client in clients:
        for header in client.auth_headers:
            aspects[f"value of {words.header(header)}"] = words.credential(header.credential)
    aspects["asked"] = _listed(_asked(call) for call in calls)
    aspects |= _steering(calls)
    for name in sorted({n.lower() for call in calls for n in _header_names(call)}):
        aspects[f"{_HEADER}{clipped(name, 60)}"] = "sent"
    answered: Counter[str] = Counter(
        voice for call in calls for voice in view.answered.get(call.id, ())
    )
    if answered:
        aspects["answered by"] = _counted(answered)
    return aspects


def _asked(call: Exchange) -> str:
    request = call.request
    if request is None:
        return "not seen"
    return f"{clipped(request.method, 20)} {clipped(request.target, words.CELL)}"


def _header_names(call: Exchange) -> Iterable[str]:
    return (name for name, _ in call.request.headers) if call.request else ()


def _steering(calls: Iterable[Exchange]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for call in calls:
        if call.request:
            for name, value in call.request.steering.items():
                values.setdefault(clipped(name.lower(), 60), []).append(clipped(value, words.CELL))
    return {f"value of {name}": _listed(found) for name, found in values.items()}


def _of_capture(view: View) -> dict[str, str]:
    return {"verdict": view.report.completeness.verdict}


def _of_cause(view: View) -> dict[str, str]:
    cause = view.report.root_cause
    if cause is None:
        return {"root cause": "none"}
    return {
        "root cause": clipped(cause.code, words.CELL),
        "explains": f"{cause.explains} of {cause.of}",
    }


def _of_hypotheses(view: View) -> dict[str, str]:
    return {hypothesis.id: hypothesis.verdict for hypothesis in view.report.hypotheses}


def _of_findings(view: View) -> dict[str, str]:
    return {
        clipped(finding.code, words.CELL): f"{finding.severity} x{finding.count}"
        for finding in view.report.findings
    }


def _of_tunnels(view: View) -> dict[str, str]:
    rows: dict[str, Counter[str]] = {}
    for tunnel in view.report.tunnels:
        authority = "not seen" if tunnel.authority is None else clipped(tunnel.authority, 120)
        of = f"{view.role(tunnel.client.ip)} to {authority}"
        outcome = f"{words.connect_reply(tunnel)}, TLS {words.tls_outcome(tunnel)}"
        rows.setdefault(of, Counter())[outcome] += 1
    return {of: _counted(outcomes) for of, outcomes in rows.items()}


def _of_direct(view: View) -> dict[str, str]:
    rows: Counter[str] = Counter()
    for found in view.report.direct_tls:
        server = "none" if found.tls.sni is None else clipped(found.tls.sni, 120)
        rows[f"{view.role(found.client.ip)} to {server}"] += 1
    return {of: f"x{number}" for of, number in rows.items()}


_RUN: Final[tuple[tuple[str, Callable[[View], dict[str, str]]], ...]] = (
    ("capture", _of_capture),
    ("cause", _of_cause),
    ("hypotheses", _of_hypotheses),
    ("findings", _of_findings),
    ("tunnels", _of_tunnels),
    ("direct tls", _of_direct),
)


def _listed(texts: Iterable[str]) -> str:
    found = sorted(set(texts))
    more = len(found) - _FEW
    return "\n".join([*found[:_FEW], *([f"+{more} more"] if more > 0 else [])])


def _counted(outcomes: Mapping[str, int]) -> str:
    return "\n".join(f"{visible(of)} x{number}" for of, number in sorted(outcomes.items()))
