"""A policy: expectations about calls and tunnels, and findings that are passed over for a time.

The names are those of the TOML file (docs/policy.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, TypeAlias

from inspector.model.conclusions import Severity
from inspector.model.providers import Provider

#: A status code, or a class of them.
Statuses: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tunnels:
    """What tunnels may be: `authorities` they may be opened to, TLS "complete" inside."""

    authorities: tuple[str, ...] | None = None
    tls: Literal["complete"] | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """What holds for the calls to one provider; null for what is not asked.

    `provider` "any" means every call.  `auth` lists the header names that may
    carry a credential, of which each call has one at least; `placeholder_only`
    that nothing but a public placeholder may stand in them.  `statuses` are
    codes ("200") or classes ("2xx").  `direct_connect` "never": no agent opens
    a tunnel or a TLS connection to the provider's host itself.
    """

    provider: Provider | Literal["any"] = "any"
    auth: tuple[str, ...] | None = None
    placeholder_only: bool = False
    statuses: Statuses | None = None
    min_calls: int = 0
    tunnels: Tunnels | None = None
    direct_connect: Literal["never", "allowed"] = "allowed"


@dataclass(frozen=True, slots=True)
class Ignore:
    """A finding that is known and passed over until `expires`, that day included."""

    code: str
    reason: str
    expires: date


@dataclass(frozen=True, slots=True)
class Policy:
    """Expectations, what is ignored, and from which severity on a finding fails a run."""

    name: str
    fail_on: Severity | None = "error"
    expect: tuple[Expect, ...] = ()
    ignore: tuple[Ignore, ...] = ()


#: The firewall's own promise: agents hold placeholders and reach APIs through the API proxy alone.
AWF: Final = Policy(
    name="awf",
    fail_on="warning",
    expect=(
        Expect(
            provider="any",
            placeholder_only=True,
            tunnels=Tunnels(tls="complete"),
            direct_connect="never",
        ),
    ),
)
