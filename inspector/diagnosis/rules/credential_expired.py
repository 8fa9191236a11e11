"""An answer says that a token has expired; the refusal of its endpoint just before says why."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "credential-expired",
    severity="error",
    title="A credential has expired",
    needs=AGENT_HOP,
    meaning=(
        "The answer says that the token was good and has expired. It is to be refreshed, not "
        "replaced. Where a tunnel to a token's endpoint was refused just before, the details name "
        "it: then the refresh is what failed."
    ),
    advice=("Refresh the token; let Squid pass the host that issues it."),
    shown_by="answer-token-expired",
)

#: Hosts that issue and renew tokens (the providers' references of workload identity and sign-in).
TOKEN_HOSTS: Final = (
    "sts.amazonaws.com", "sts.*.amazonaws.com", "oidc.*.amazonaws.com", "sts.googleapis.com",
    "oauth2.googleapis.com", "iamcredentials.googleapis.com", "accounts.google.com",
    "login.microsoftonline.com", "*.actions.githubusercontent.com", "api.github.com",
    "github.com", "auth.openai.com", "console.anthropic.com", "platform.claude.com", "claude.ai",
)  # fmt: skip


def explains(call: FailedCall, case: Case) -> bool:
    return answers.is_about(call, ABOUT.code)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The credential has expired: {count} x {answer(call)} ({at(call.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    lines, denied = answers.explained(call, case, count), refused_endpoint(call, case)
    if denied is None:
        return lines
    where = f"{denied.authority} ({denied.id})"
    return (*lines, f"Before it, Squid refused {where}, where such tokens are renewed.")


def advice(call: FailedCall, case: Case) -> str:
    denied = refused_endpoint(call, case)
    if denied is None:
        return answers.advice(ABOUT, call)
    return (
        f"Let Squid pass {denied.host}: the token is refreshed there; it was good until it"
        " expired, and need not be replaced."
    )


def refused_endpoint(call: FailedCall, case: Case) -> Tunnel | None:
    """The last tunnel before the answer that was refused to a host of tokens."""
    return case.connects.last_refused(
        lambda host: any(fnmatchcase(host, name) for name in TOKEN_HOSTS), before=call.packet
    )


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
