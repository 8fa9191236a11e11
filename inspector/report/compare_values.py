"""What is compared of two runs: the aspects of each, as values that a program can use.

An aspect has a kind, a value, and how it reads on the page.  Two are alike when kind and value
are; a text that holds labels under a fingerprint key is alike under one key alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.model.conclusions import Severity
from inspector.model.credentials import Credential
from inspector.model.http import Exchange
from inspector.model.topology import Client
from inspector.regex import regex
from inspector.report.page import words
from inspector.report.page.escape import clipped, visible
from inspector.report.page.view import View

ValueKind: TypeAlias = Literal[
    "text", "texts", "number", "counts", "sent", "credentials", "finding", "cause", "tunnels"
]


class FoundFinding(Fact):
    """A finding in one run."""

    severity: Severity
    """How bad it is."""
    count: int
    """How often it occurs."""


class FoundCause(Fact):
    """The root cause of one run."""

    code: str
    """The finding's code."""
    explains: int
    """Failed calls that it explains."""
    of: int
    """All failed calls."""


class FoundTunnels(Fact):
    """Tunnels of one opener to one authority that came to the same."""

    connect_status: int | None
    """The answer to their CONNECTs; null without one."""
    tls: str
    """How far TLS came inside, in the words of the page."""
    count: int
    """How many they are."""


Value: TypeAlias = (
    str
    | int
    | bool
    | tuple[str, ...]
    | Mapping[str, int]
    | tuple[Credential, ...]
    | FoundFinding
    | FoundCause
    | tuple[FoundTunnels, ...]
)


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing that a run shows; `shown` is its text for people, escaped."""

    kind: ValueKind
    value: Value
    shown: str = field(compare=False)


#: Aspect -> what a side has there; an aspect that a side lacks is absent.
Aspects: TypeAlias = Mapping[str, Aspect]

#: What the aspect of a header's name begins with, and that of a credential.
HEADER: Final = "header "
VALUE: Final = "value of "

_FEW: Final = 12
#: The fingerprint that ends a label, of a credential or of what nothing grants.
_FINGERPRINT: Final = regex(r"(<[^<>]{1,200} bytes) [0-9a-f]{12}(?=[ >])")


def without_fingerprints(aspect: Aspect) -> Aspect:
    """What of an aspect can be compared under another key."""
    value = aspect.value
    if isinstance(value, str):
        return replace(aspect, value=_FINGERPRINT.sub(r"\1", value))
    if aspect.kind == "texts" and isinstance(value, tuple):
        texts = [_FINGERPRINT.sub(r"\1", each) for each in value if isinstance(each, str)]
        return replace(aspect, value=tuple(sorted(texts)))
    if held := credentials(aspect):
        unkeyed = [replace(each, fingerprint=None) for each in held]
        return replace(aspect, value=tuple(sorted(unkeyed, key=_order)))
    return aspect


def credentials(aspect: Aspect | None) -> tuple[Credential, ...]:
    """The credentials that an aspect is about; empty for all others."""
    value = None if aspect is None else aspect.value
    return (
        tuple(each for each in value if isinstance(each, Credential))
        if (isinstance(value, tuple))
        else ()
    )


def _order(credential: Credential) -> tuple[str, int, str, str, tuple[str, ...], str]:
    # A fingerprint last: what differs in anything else stands in one order, whatever the run's key.
    return (
        credential.kind, credential.length, credential.placeholder or "", credential.prefix or "",
        tuple(credential.anomalies), credential.fingerprint or "",
    )  # fmt: skip


def _without_fingerprint(text: str) -> tuple[str, str]:
    return _FINGERPRINT.sub(r"\1", text), text


# -- of a run ------------------------------------------------------------------------------------


def _of_capture(view: View) -> Aspects:
    return {"verdict": _text(view.report.completeness.verdict)}


def _of_cause(view: View) -> Aspects:
    cause = view.report.root_cause
    if cause is None:
        return {}
    shown = f"{clipped(cause.code, words.CELL)}, {cause.explains} of {cause.of}"
    return {"root cause": Aspect("cause", FoundCause(cause.code, cause.explains, cause.of), shown)}


def _of_hypotheses(view: View) -> Aspects:
    return {each.id: _text(each.verdict) for each in view.report.hypotheses}


def _of_findings(view: View) -> Aspects:
    return {
        clipped(each.code, words.CELL): Aspect(
            "finding", FoundFinding(each.severity, each.count), f"{each.severity} x{each.count}"
        )
        for each in view.report.findings
    }


def _of_tunnels(view: View) -> Aspects:
    rows: dict[str, Counter[tuple[int | None, str, str]]] = {}
    for tunnel in view.report.tunnels:
        authority = "not seen" if tunnel.authority is None else clipped(tunnel.authority, 120)
        of = f"{view.role(tunnel.client.ip)} to {authority}"
        tls = words.tls_outcome(tunnel)
        shown = f"{words.connect_reply(tunnel)}, TLS {tls}"
        rows.setdefault(of, Counter())[tunnel.connect_status, tls, shown] += 1
    return {of: _tunnels(outcomes) for of, outcomes in rows.items()}


def _tunnels(outcomes: Mapping[tuple[int | None, str, str], int]) -> Aspect:
    ordered = sorted(outcomes.items(), key=lambda item: item[0][2])
    found = tuple(FoundTunnels(status, tls, count) for (status, tls, _), count in ordered)
    shown = "\n".join(f"{text} x{count}" for (_, _, text), count in ordered)
    return Aspect("tunnels", found, shown)


def _of_direct(view: View) -> Aspects:
    rows: Counter[str] = Counter()
    for found in view.report.direct_tls:
        server = "none" if found.tls.sni is None else clipped(found.tls.sni, 120)
        rows[f"{view.role(found.client.ip)} to {server}"] += 1
    return {of: Aspect("number", number, f"x{number}") for of, number in rows.items()}


#: What is compared of some calls of runs: the thing, and its aspects.
OF_CALLS: Final[tuple[tuple[str, Callable[[View], Aspects]], ...]] = (("tunnels", _of_tunnels),)
#: The same of whole runs.
RUN: Final[tuple[tuple[str, Callable[[View], Aspects]], ...]] = (
    ("capture", _of_capture),
    ("cause", _of_cause),
    ("hypotheses", _of_hypotheses),
    ("findings", _of_findings),
    *OF_CALLS,
    ("direct tls", _of_direct),
)


# -- of clients ----------------------------------------------------------------------------------


def of_clients(view: View, clients: Sequence[Client]) -> Aspects:
    """What the clients of one program did."""
    if not clients:
        return {}
    asked = [call for client in clients for call in view.page.made_by(client)]
    statuses: Counter[str] = Counter()
    for client in clients:
        statuses.update(client.statuses)
    requests = sum(client.requests for client in clients)
    aspects = {
        "user agent": _texts(c.user_agent or "none" for c in clients),
        "requests": Aspect("number", requests, str(requests)),
        "answers": Aspect("counts", dict(sorted(statuses.items())), words.answers(statuses)),
        "auth headers": _texts(words.header(h) for c in clients for h in c.auth_headers),
    }
    sent: dict[str, dict[Credential, None]] = {}
    for client in clients:
        for header in client.auth_headers:
            sent.setdefault(words.header(header), {})[header.credential] = None
    aspects |= {f"{VALUE}{name}": _credentials(found) for name, found in sent.items()}
    aspects["asked"] = _texts(map(_asked, asked))
    aspects |= _steering(asked)
    for name in sorted({n.lower() for call in asked for n in _header_names(call)}):
        aspects[f"{HEADER}{clipped(name, 60)}"] = Aspect("sent", True, "sent")
    voices: Counter[str] = Counter(
        voice for call in asked for voice in view.answered.get(call.id, ())
    )
    if voices:
        shown = "\n".join(f"{visible(of)} x{number}" for of, number in sorted(voices.items()))
        aspects["answered by"] = Aspect("counts", dict(sorted(voices.items())), shown)
    return aspects


def _credentials(found: Iterable[Credential]) -> Aspect:
    ordered = tuple(sorted(found, key=_order))
    return Aspect("credentials", ordered, "\n".join(map(words.credential, ordered)))


def _asked(call: Exchange) -> str:
    request = call.request
    return "not seen" if request is None else f"{request.method} {request.target}"


def _header_names(call: Exchange) -> Iterable[str]:
    return (name for name, _ in call.request.headers) if call.request else ()


def _steering(calls: Iterable[Exchange]) -> Aspects:
    values: dict[str, list[str]] = {}
    for call in calls:
        if call.request:
            for name, value in call.request.steering.items():
                values.setdefault(clipped(name.lower(), 60), []).append(value)
    return {f"{VALUE}{name}": _texts(found) for name, found in values.items()}


def _text(text: str) -> Aspect:
    return Aspect("text", text, clipped(text, words.CELL))


def _texts(texts: Iterable[str]) -> Aspect:
    found = tuple(sorted(set(texts), key=_without_fingerprint))
    more = len(found) - _FEW
    shown = [clipped(text, words.CELL) for text in found[:_FEW]]
    told = "\n".join([*shown, *([f"+{more} more"] if more > 0 else [])])
    return Aspect("texts", found, told or "none")
