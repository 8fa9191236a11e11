"""The enumerations of a report: the members known here, and whether later versions may add some.

An **open** one may grow with any version, or by what a user tells (a provider): whoever reads
a report takes a member that he does not know as it stands.  A **closed** one has all members
there can be: each is a case that a reader decides, and another one is no report of this
format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, get_args, get_origin

from inspector.fact import Fact
from inspector.model import capture, conclusions, credentials, http, live, network, topology
from inspector.model.providers import KNOWN
from inspector.regex import regex

#: What any member looks like.  It is shown as it stands, so nothing else is taken for one.
MEMBER: Final = regex(r"[A-Za-z0-9][A-Za-z0-9 ._/+-]{0,79}")


class Enumeration(Fact):
    """One enumeration of a report."""

    name: str
    """Its name in the model and in the schema."""
    is_open: bool
    """Whether there may be members that are not known here."""
    known: tuple[str, ...] = ()
    """The members known here; empty where a room above the model has their list."""


#: Enumerations of the model that are text in Python, since a user or a rule names members.
_TEXTS: Final = (
    Enumeration("Provider", True, KNOWN),
    Enumeration("FindingCode", True),
)
_OPEN: Final[Mapping[str, Any]] = {
    "Anomaly": credentials.Anomaly,
    "CredentialKind": credentials.CredentialKind,
    "DecryptionState": network.DecryptionState,
    "DisagreementKind": conclusions.DisagreementKind,
    "EndedBy": http.EndedBy,
    "HeaderFate": conclusions.HeaderFate,
    "EndedFor": live.EndedFor,
    "Hop": http.Hop,
    "HypothesisId": conclusions.HypothesisId,
    "KeySource": network.KeySource,
    "PageAuthor": http.PageAuthor,
    "Redaction": live.Redaction,
    "TunnelProtocol": network.TunnelProtocol,
    "UnreadReason": capture.UnreadReason,
    "Witness": conclusions.Witness,
}
_CLOSED: Final[Mapping[str, Any]] = {
    "AnsweredBy": conclusions.AnsweredBy,
    "ClosedBy": network.ClosedBy,
    "Closer": http.Closer,
    "ConnectOutcome": network.ConnectOutcome,
    "Direction": capture.Direction,
    "Handshake": network.Handshake,
    "HypothesisVerdict": conclusions.HypothesisVerdict,
    "Role": topology.Role,
    "RungState": live.RungState,
    "Scope": topology.Scope,
    "Severity": conclusions.Severity,
    "Verdict": capture.Verdict,
}

_BY_NAME: Final = {each.name: each for each in _TEXTS}
_BY_HINT: Final[Mapping[Any, Enumeration]] = {
    hint: Enumeration(name, is_open, get_args(hint))
    for is_open, table in ((True, _OPEN), (False, _CLOSED))
    for name, hint in table.items()
}

#: All of them.
ENUMERATIONS: Final = (*_TEXTS, *_BY_HINT.values())


def members_of(hint: Any) -> tuple[str, ...]:
    """The members of a Literal."""
    return get_args(hint)


def enumeration_of(hint: Any) -> Enumeration | None:
    """The enumeration that a type hint (with its annotations) stands for."""
    if get_origin(hint) is Annotated:
        return _BY_NAME.get(get_args(hint)[1])
    return _BY_HINT.get(hint)
