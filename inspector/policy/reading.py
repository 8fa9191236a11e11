"""A policy from its TOML file.  Every mistake is told with its place and what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from inspector.diagnosis.catalogue import CODES
from inspector.errors import ExitCode, InspectorError, plain
from inspector.model.conclusions import SEVERITIES
from inspector.model.providers import KNOWN, Provider
from inspector.model.report import Report
from inspector.policy.model import AWF, Expect, Ignore, Policy, Tunnels
from inspector.toml import Unreadable, read_table

#: Policies that ship with the program.
BUILT_IN: Final[Mapping[str, Policy]] = {AWF.name: AWF}

_STATUS: Final = re.compile(r"[1-5](?:[0-9]{2}|xx)")
_TOP: Final = ("fail_on", "expect", "ignore")
_EXPECT: Final = (
    "provider", "auth", "placeholder_only", "statuses", "min_calls", "tunnels", "direct_connect",
)  # fmt: skip
_TUNNELS: Final = ("authorities", "tls")
_IGNORE: Final = ("code", "reason", "expires")


class PolicyError(InspectorError):
    """A policy that cannot be used."""

    exit_code = ExitCode.USAGE


def read_policy(named: str | Path, added: Iterable[Provider] = ()) -> Policy:
    """The built-in policy of that name, or the one in a file.  Raises `PolicyError`.

    `added` are names of providers beside those known here, which it may speak of.
    """
    built_in = BUILT_IN.get(str(named))
    if built_in is not None:
        return built_in
    path = Path(named)
    try:
        table = read_table(path)
    except Unreadable as error:
        raise PolicyError(
            f"The policy {path} cannot be read: {error}",
            f"Give a TOML file, or the built-in {', '.join(BUILT_IN)}",
            "The captures were not looked at yet",
        ) from error
    return _Reader(path, added).policy(table)


def providers_in(report: Report) -> frozenset[Provider]:
    """The providers that a report speaks of, whether or not this version knows them."""
    topology = report.topology
    return frozenset(
        (
            *(row.name for row in topology.added),
            *topology.providers.values(),
            *(client.provider for client in report.clients),
        )
    )


class _Reader:
    """Checks tables against what the format has; knows the file for its errors."""

    def __init__(self, path: Path, added: Iterable[Provider]) -> None:
        self._path = path
        self._providers = tuple(dict.fromkeys((*KNOWN, *sorted(added), "any")))

    def policy(self, table: Mapping[str, Any]) -> Policy:
        self._known(table, _TOP, "the top level")
        fail_on = table.get("fail_on", "error")
        if fail_on not in (*SEVERITIES, "never"):
            self._wrong("fail_on", f"one of {', '.join(SEVERITIES)}, never")
        return Policy(
            name=str(self._path),
            fail_on=None if fail_on == "never" else fail_on,
            expect=tuple(self._expect(entry) for entry in self._entries(table, "expect")),
            ignore=tuple(self._ignore(entry) for entry in self._entries(table, "ignore")),
        )

    def _expect(self, entry: Mapping[str, Any]) -> Expect:
        self._known(entry, _EXPECT, "[[expect]]")
        provider = entry.get("provider", "any")
        if provider not in self._providers:
            self._wrong("provider", f"one of {', '.join(self._providers)}")
        placeholder_only = entry.get("placeholder_only", False)
        if not isinstance(placeholder_only, bool):
            self._wrong("placeholder_only", "true or false")
        min_calls = entry.get("min_calls", 0)
        if type(min_calls) is not int or min_calls < 0:
            self._wrong("min_calls", "a number of calls, 0 or more")
        direct = entry.get("direct_connect", "allowed")
        if direct not in ("never", "allowed"):
            self._wrong("direct_connect", '"never" or "allowed"')
        return Expect(
            provider=provider,
            auth=self._texts(entry, "auth", "header names"),
            placeholder_only=placeholder_only,
            statuses=self._statuses(entry),
            min_calls=min_calls,
            tunnels=self._tunnels(entry),
            direct_connect=direct,
        )

    def _statuses(self, entry: Mapping[str, Any]) -> tuple[str, ...] | None:
        value = entry.get("statuses")
        if value is None:
            return None
        statuses = tuple(map(str, value)) if isinstance(value, list) else ("",)
        if not all(map(_STATUS.fullmatch, statuses)):
            self._wrong("statuses", 'a list such as [200, "2xx", 429]')
        return statuses

    def _tunnels(self, entry: Mapping[str, Any]) -> Tunnels | None:
        table = entry.get("tunnels")
        if table is None:
            return None
        if not isinstance(table, dict):
            self._wrong("tunnels", 'a table such as { authorities = ["..."], tls = "complete" }')
        self._known(table, _TUNNELS, "tunnels")
        tls = table.get("tls")
        if tls not in ("complete", None):
            self._wrong("tls", '"complete"')
        return Tunnels(self._texts(table, "authorities", "host:port"), tls)

    def _ignore(self, entry: Mapping[str, Any]) -> Ignore:
        self._known(entry, _IGNORE, "[[ignore]]")
        code, reason, expires = (entry.get(name) for name in _IGNORE)
        if not isinstance(code, str) or code not in CODES:
            self._wrong("code", "a finding's code (docs/findings.md)")
        if not isinstance(reason, str) or not reason.strip():
            self._wrong("reason", "a text that says why")
        if not isinstance(expires, date) or isinstance(expires, datetime):
            self._wrong("expires", "a date such as 2026-12-31, without quotes")
        return Ignore(code, reason, expires)

    def _entries(self, table: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        value = table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self._wrong(name, f"written as [[{name}]]")
        entries: list[dict[str, Any]] = value
        return entries

    def _texts(self, table: Mapping[str, Any], name: str, of: str) -> tuple[str, ...] | None:
        value = table.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._wrong(name, f"a list of {of}")
        return tuple(value)

    def _known(self, table: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
        unknown = ", ".join(map(plain, sorted(set(table) - set(names))))
        if unknown:
            raise PolicyError(
                f"{where} of the policy {self._path} has unknown names: {unknown}",
                f"Known are {', '.join(names)}",
            )

    def _wrong(self, name: str, meant: str) -> NoReturn:
        raise PolicyError(f"{name} in the policy {self._path} is not {meant}", "See docs/policy.md")
