"""What a fleet's runs are judged by: options, policies, limits; and the digest that tells it."""

from __future__ import annotations

import copyreg
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from inspector.build import this_build
from inspector.fleet.tables import SCHEMA
from inspector.model.provenance import this_tool
from inspector.options import Options
from inspector.policy.model import Policy
from inspector.provenance import key_id

#: Seconds after which a run is given up.
TIME_LIMIT: Final = 600.0
#: Bytes of memory that a process may ask for while it judges a run.
MEMORY_LIMIT: Final = 1 << 30
#: The least of them: a process has half of it before it reads anything.
LEAST_MEMORY: Final = 64 << 20

_DIGITS: Final = 16
_NO_POLICIES: Final[Mapping[str, Policy]] = {}


def _read_only(told: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(told)


# A policy has read-only mappings, which pickle does not know.
copyreg.pickle(MappingProxyType, lambda proxy: (_read_only, (dict(proxy),)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """The same for all runs of one invocation; it travels to other processes.

    `policies` are by repository, "" is that of all others.  `draws_key`: the fingerprint key was
    made for this invocation alone, so that it tells nothing of what is the same.
    `digest` changes with everything that a judgement depends on besides the run's files.
    """

    options: Options = field(repr=False)
    today: date
    policies: Mapping[str, Policy] = field(default_factory=lambda: _NO_POLICIES)
    draws_key: bool = False
    time_limit: float = TIME_LIMIT
    memory_limit: int = MEMORY_LIMIT
    digest: str = ""

    def policy_for(self, repository: str) -> Policy | None:
        """The policy of a run of a repository; None where there is none."""
        return self.policies.get(repository, self.policies.get(""))

    def sealed(self) -> FleetSettings:
        """The same with its digest.  Raises OSError for a file of the options that is gone."""
        key = self.options.fingerprint_key
        told = (
            SCHEMA,
            this_tool().version,
            this_build(),
            repr(replace(self.options, fingerprint_key=None)),
            _read(self.options.topology_file),
            [_read(path) for path in (*self.options.logs, *self.options.key_logs)],
            "drawn" if key is None or self.draws_key else key_id(key),
            repr(sorted(self.policies.items())),
            self.today.isoformat() if self._expires else "",
        )
        digest = hashlib.sha256(repr(told).encode()).hexdigest()[:_DIGITS]
        return replace(self, digest=digest)

    @property
    def limited_digest(self) -> str:
        """The digest of what was given up at a limit: another limit is another judgement."""
        told = repr((self.digest, self.time_limit, self.memory_limit))
        return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]

    @property
    def _expires(self) -> bool:
        """Whether the day decides anything: an ignore of a policy expires."""
        return any(
            ignore.expires is not None
            for policy in self.policies.values()
            for ignore in policy.ignore
        )


def _read(path: Path | None) -> str:
    """The digest of a file that options name: its content may change under one name."""
    return "" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
