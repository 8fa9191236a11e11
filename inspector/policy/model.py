"""A policy: expectations about calls and ways out, and what is passed over for a time.

The names are those of the TOML file (docs/policy.md).  A policy is data alone: `checks`
holds it against a report, `sentences` says it in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from inspector.errors import plain_parts
from inspector.fact import Fact, field
from inspector.model.conclusions import SEVERITIES, Severity
from inspector.model.providers import Provider

#: The format of the file that is read here.
FORMAT: Final = 1

#: Who may open a way out.
Opener: TypeAlias = Literal["agent", "api-proxy"]
#: What a run must have, for anybody to judge it.
Requirement: TypeAlias = Literal["complete", "logs", "processes"]
#: What becomes of a run whose capture cannot prove that the policy is kept.
WhenNotProven: TypeAlias = Literal["fail", "warn", "pass"]
#: The level from which on something breaks a policy; None: nothing of its kind does.
Threshold: TypeAlias = Severity | None


class Auth(Fact):
    """Where credentials of a call may stand, and what they may be; null for what is not asked.

    `names` are headers (a query parameter is `?key`), `schemes` those of `Authorization`,
    `kinds` as in a report's `credential.kind`, `placeholders` the public constants that may
    stand for a key.  With `query` false no query parameter carries one.
    """

    names: tuple[str, ...] | None = None
    schemes: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    placeholders: tuple[str, ...] | None = None
    query: bool = True


class HeaderRules(Fact):
    """Header names that no request may have, and those that each must have."""

    absent: tuple[str, ...] = ()
    present: tuple[str, ...] = ()


class Tunnels(Fact):
    """What tunnels may be: `authorities` they may be opened to, TLS "complete" inside."""

    authorities: tuple[str, ...] | None = None
    tls: Literal["complete"] | None = None


class TlsRules(Fact):
    """What the TLS of a way out must be.

    `complete`: its handshake was completed.  `min_version`: "1.2" or "1.3".  `sni`
    "authority": the name in it is the host that was asked for.
    """

    complete: bool = False
    min_version: Literal["1.0", "1.1", "1.2", "1.3"] | None = None
    sni: Literal["authority"] | None = None


class Expect(Fact):
    """What holds for some calls and ways out; null, zero or false for what is not asked.

    The first names say *of what*: `provider` ("any": every call), `opened_by`, and patterns
    for the `client` (its User-Agent), the `process` and the `container` that made it.  All
    others say *what*; docs/policy.md has the meaning of each.
    """

    provider: Provider | Literal["any"] = "any"
    opened_by: Opener | None = None
    client: str | None = None
    process: str | None = None
    container: str | None = None
    name: str = ""
    level: Severity = "error"
    forbid: bool = False
    hosts: tuple[str, ...] | None = None
    min_calls: int = 0
    max_calls: int | None = None
    max_retries: int | None = None
    max_failed: int | None = None
    statuses: tuple[str, ...] | None = None
    auth: Auth | None = None
    placeholder_only: bool | Literal["everywhere"] = False
    headers: HeaderRules | None = None
    clients: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    tls: TlsRules | None = None
    tunnels: Tunnels | None = None
    direct_connect: Literal["never", "allowed"] = "allowed"


class Ignore(Fact):
    """A finding (`code`) or a broken expectation (its name) that is passed over for a time.

    It is narrowed by whatever else is not null, `count`: passed over up to so many times.
    It holds from `start` until `expires`, both days included; null: always.
    """

    code: str | None
    reason: str
    expires: date | None
    expectation: str | None = None
    provider: Provider | None = None
    client: str | None = None
    host: str | None = None
    count: int | None = None
    start: date | None = None

    @property
    def of(self) -> str:
        """What it passes over, as it may be shown."""
        return self.code or plain_parts(self.expectation or "")

    @property
    def narrows(self) -> bool:
        """Whether it passes over only some occurrences."""
        return any((self.provider, self.client, self.host))


class Policy(Fact):
    """Expectations, what is ignored, and from which severity on a finding fails a run.

    `severity` gives findings another one ("never": they break nothing).  `topology` is the
    path of a topology file, `auth_headers` are further headers that carry a credential: both
    are used where a capture is judged, and say nothing of a report.
    """

    name: str
    fail_on: Threshold = "error"
    expect: tuple[Expect, ...] = ()
    ignore: tuple[Ignore, ...] = ()
    severity: Mapping[str, Severity | Literal["never"]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    require_calls: bool = False
    require: tuple[Requirement, ...] = ()
    when_not_proven: WhenNotProven = "fail"
    topology: str | None = None
    auth_headers: tuple[str, ...] = ()

    def fails(self, level: Severity) -> bool:
        """Whether a broken expectation of a level breaks the policy: an error always does."""
        return level == "error" or is_of(level, self.fail_on)


def is_of(severity: Severity, threshold: Threshold) -> bool:
    """Whether a severity is that of the threshold or worse."""
    return threshold is not None and SEVERITIES.index(severity) <= SEVERITIES.index(threshold)
