"""The names that a policy's tables have, and what each may say: the format itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, get_args

from inspector.diagnosis.catalogue import CODES
from inspector.errors import plain
from inspector.model.conclusions import SEVERITIES
from inspector.model.credentials import CredentialKind
from inspector.model.providers import KNOWN, Provider
from inspector.policy import fields
from inspector.policy.contradictions import refuse_expect, refuse_ignore
from inspector.policy.fields import Fields, Table
from inspector.policy.model import (
    FORMAT,
    Auth,
    Expect,
    HeaderRules,
    Ignore,
    Policy,
    Requirement,
    TlsRules,
    Tunnels,
)
from inspector.policy.places import Place, nearest
from inspector.secrets.constants import PLACEHOLDERS


def listed(*members: str) -> Callable[[str], str | None]:
    """What is wrong with a text that must be one of a few."""

    def wrong(text: str) -> str | None:
        if text in members:
            return None
        near = nearest(text, members)
        return f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(members))}"

    return wrong


def _entries(place: Place, name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        place.wrong(name, f"written as [[{name}]]")
    return value


def _format(place: Place, name: str, value: Any) -> int:
    if type(value) is not int or value != FORMAT:
        place.wrong(name, f"{FORMAT}, the only format that this version reads")
    return value


def _severities(place: Place, name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        place.wrong(name, 'a table such as { retry-storm = "note" }')
    for code, level in value.items():
        _code(place, f"the name {plain(code)} in [severity]", code)
        fields.one_of(*SEVERITIES, "never")(place, f"{code} in [severity]", level)
    return MappingProxyType(dict(value))


def _code(place: Place, name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in CODES:
        near = nearest(value, tuple(CODES)) if isinstance(value, str) else []
        hint = f"Did you mean {near[0]}? " if near else ""
        place.wrong(name, "a finding's code (docs/findings.md)", f"{hint}See docs/findings.md")
    return value


TOP: Final[Fields[Policy]] = Fields(
    "",
    {
        "schema": _format,
        "extends": fields.text("a built-in policy's name, or a path beside this file"),
        "fail_on": fields.one_of(*SEVERITIES, "never"),
        "when_not_proven": fields.one_of("fail", "warn", "pass"),
        "require_calls": fields.boolean,
        "require": fields.several(
            "what a run must have: complete, logs, processes",
            listed(*get_args(Requirement)),
        ),
        "topology": fields.text("the path of a topology file, beside this file"),
        "auth_headers": fields.several("header names", fields.header),
        "severity": _severities,
        "expect": _entries,
        "ignore": _entries,
    },
)
_AUTH: Final[Fields[Auth]] = Fields(
    "auth",
    {
        "names": fields.several("header names", fields.header),
        "schemes": fields.several("authorization schemes", fields.header),
        "kinds": fields.several("kinds of credentials", listed(*get_args(CredentialKind))),
        "placeholders": fields.several("public placeholders", listed(*PLACEHOLDERS)),
        "query": fields.boolean,
    },
)
_HEADERS: Final[Fields[HeaderRules]] = Fields(
    "headers",
    {
        "absent": fields.several("header names", fields.header),
        "present": fields.several("header names", fields.header),
    },
)
_TLS: Final[Fields[TlsRules]] = Fields(
    "tls",
    {
        "complete": fields.boolean,
        "min_version": fields.one_of("1.0", "1.1", "1.2", "1.3"),
        "sni": fields.one_of("authority"),
    },
)
_TUNNELS: Final[Fields[Tunnels]] = Fields(
    "tunnels",
    {
        "authorities": fields.several("host:port", fields.authority),
        "tls": fields.one_of("complete"),
    },
)


def _table(
    kind: Callable[..., Any], known: Fields[Any], example: str
) -> Callable[[Place, str, Any], Any]:
    """A table within a table; an empty one asks nothing."""

    def read(place: Place, name: str, value: Any) -> Any:
        if not isinstance(value, dict):
            place.wrong(name, f"a table such as {example}")
        if not value:
            place.refuse(f"has an empty table {name}, which asks nothing", f"Write {example}")
        return kind(**known.read(value, place))

    return read


_read_auth: Final = _table(Auth, _AUTH, '{ names = ["x-api-key"], schemes = ["Bearer"] }')


def _auth(place: Place, name: str, value: Any) -> Auth:
    if isinstance(value, dict):
        read: Auth = _read_auth(place, name, value)
        return read
    return Auth(names=fields.several("header names", fields.header)(place, name, value))


def _placeholder_only(place: Place, name: str, value: Any) -> Any:
    if value == "everywhere":
        return value
    if not isinstance(value, bool):
        place.wrong(name, 'true or false, or "everywhere"')
    return value


def _providers(added: tuple[Provider, ...]) -> tuple[Provider, ...]:
    return tuple(dict.fromkeys((*KNOWN, *sorted(added))))


def expect_reader(
    added: tuple[Provider, ...], replaced: tuple[str, ...] = ()
) -> Callable[[Table, Place], Expect]:
    """The reader of an `[[expect]]`, which may name these providers too.

    `replaced` are names of the policy that is extended.
    """
    known: Fields[Expect] = Fields(
        "",
        {
            "provider": fields.one_of(*_providers(added), "any"),
            "opened_by": fields.one_of("agent", "api-proxy"),
            "client": fields.text("a pattern of a User-Agent such as claude-cli/*"),
            "process": fields.text("a pattern of a program's name such as node"),
            "container": fields.text("a pattern of a container's name such as awf-agent"),
            "name": fields.text("a name"),
            "level": fields.one_of(*SEVERITIES),
            "forbid": fields.boolean,
            "hosts": fields.several("host:port", fields.host),
            "min_calls": fields.number("calls"),
            "max_calls": fields.number("calls"),
            "max_retries": fields.number("retries"),
            "max_failed": fields.number("failed calls"),
            "statuses": fields.statuses,
            "auth": _auth,
            "placeholder_only": _placeholder_only,
            "headers": _table(HeaderRules, _HEADERS, '{ absent = ["x-api-key"] }'),
            "clients": fields.several("patterns of a User-Agent"),
            "models": fields.several("patterns of a model's name"),
            "paths": fields.several("patterns of a path", fields.path),
            "tls": _table(TlsRules, _TLS, '{ complete = true, min_version = "1.2" }'),
            "tunnels": _table(Tunnels, _TUNNELS, '{ authorities = ["..."], tls = "complete" }'),
            "direct_connect": fields.one_of("never", "allowed"),
        },
    )

    def read(table: Table, place: Place) -> Expect:
        expect = Expect(**known.read(table, place))
        refuse_expect(expect, place, replaced)
        return expect

    return read


def ignore_reader(
    expectations: tuple[str, ...], added: tuple[Provider, ...]
) -> Callable[[Table, Place], Ignore]:
    """The reader of an `[[ignore]]`, which may name these expectations and providers."""
    known: Fields[Ignore] = Fields(
        "",
        {
            "code": _code,
            "expectation": fields.one_of(*expectations) if expectations else _no_names,
            "reason": fields.text("a text that says why"),
            "from": fields.day,
            "until": fields.day,
            "expires": fields.day,
            "provider": fields.one_of(*_providers(added)),
            "client": fields.text("a pattern of a User-Agent such as claude-cli/*"),
            "host": fields.several("host:port", fields.host),
            "count": fields.number("occurrences", 1),
        },
    )

    def read(table: Table, place: Place) -> Ignore:
        host = table.get("host")
        told = known.read({**table, "host": [host]} if "host" in table else table, place)
        if "expectation" not in told:
            _code(place, "code", table.get("code"))
        elif "code" in told:
            place.refuse("has a code and an expectation", "Write an [[ignore]] for each")
        if "reason" not in told:
            place.wrong("reason", "a text that says why")
        if "until" in told and "expires" in told:
            place.refuse("has until and expires, which are the same", "Write one of them")
        ends = told.pop("until", None) or told.pop("expires", None)
        if ends is None:
            place.wrong("expires", "a date such as 2026-12-31, without quotes")
        hosts = told.pop("host", None)
        ignore = Ignore(
            code=told.pop("code", None), expires=ends, start=told.pop("from", None),
            host=hosts[0] if hosts else None, **told,
        )  # fmt: skip
        refuse_ignore(ignore, place)
        return ignore

    return read


def _no_names(place: Place, name: str, value: Any) -> Any:
    place.wrong(name, "the name of an [[expect]]: none has a name")
