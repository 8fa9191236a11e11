"""Providers that a topology file adds: `[[provider]]` tables to rows like those known here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from inspector.errors import plain, quoted
from inspector.model.credentials import CredentialKind
from inspector.model.providers import KNOWN, ProviderFacts, kind_of_key
from inspector.regex import regex

#: What a table may say, and an example of each for whoever writes another thing there.
_EXAMPLES: Final[Mapping[str, str]] = {
    "name": '"mistral"',
    "port": "10005",
    "hosts": '["api.mistral.ai", "*.mistral.ai"]',
    "auth_header": '"Authorization"',
    "key_prefixes": '["mst-"]',
    "path_prefixes": '["/v1/chat/completions"]',
}
#: A name is shown everywhere and written into labels.  `any` means every provider in a policy.
_NAME: Final = regex(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")
_LONGEST_NAME: Final = 40
_HOST: Final = regex(r"(?=.*[a-z0-9])[a-z0-9.:-]*\*?[a-z0-9.:-]*")
_HEADER: Final = regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
#: A prefix is shown in reports, so nothing of a key's length is one.
_PREFIX: Final = regex(r"[A-Za-z0-9][A-Za-z0-9._-]{1,15}")
_PATH: Final = regex(r"/[!-~]*")


class NotAProvider(ValueError):
    """A table that describes no provider; `next_step` says what to write."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


def read_providers(value: object) -> tuple[ProviderFacts, ...]:
    """The rows of a file's `[[provider]]` tables.  Raises `NotAProvider`."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise NotAProvider("it is not written as [[provider]]", 'Write [[provider]] and name = "…"')
    rows = tuple(map(_row, value))
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise NotAProvider(
                f"{quoted(name)} is added twice", "Write one table for each provider"
            )
    return rows


def _row(table: Mapping[str, Any]) -> ProviderFacts:
    unknown = ", ".join(map(plain, sorted(set(table) - set(_EXAMPLES))))
    if unknown:
        raise NotAProvider(f"unknown names: {unknown}", f"Known are {', '.join(_EXAMPLES)}")
    name = table.get("name")
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise _wrong("name", "a name in lower case")
    if name in (*KNOWN, "any"):
        raise NotAProvider(
            f"{quoted(name)} is known here already", "Add another name, or give its port in [ports]"
        )
    port = table.get("port")
    if port is not None and (type(port) is not int or not 0 < port < 1 << 16):
        raise _wrong("port", "a TCP port")
    header = table.get("auth_header")
    if header is not None and (not isinstance(header, str) or not _HEADER.fullmatch(header)):
        raise _wrong("auth_header", "a header's name")
    kind = cast("CredentialKind", kind_of_key(name))
    return ProviderFacts(
        name=name,
        port=port,
        hosts=_texts(table, "hosts", _HOST, "host names, in which one * stands for anything"),
        auth_header=header,
        key_prefixes=tuple(
            (kind, prefix)
            for prefix in _texts(table, "key_prefixes", _PREFIX, "the public parts of keys")
        ),
        path_prefixes=_texts(table, "path_prefixes", _PATH, "paths"),
    )


def _texts(
    table: Mapping[str, Any], name: str, form: re.Pattern[str], meant: str
) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(
        isinstance(item, str) and form.fullmatch(item) for item in value
    ):
        raise _wrong(name, f"a list of {meant}")
    return tuple(value)


def _wrong(name: str, meant: str) -> NotAProvider:
    # What stands there is not repeated: it may be a key.
    return NotAProvider(f"{name} is not {meant}", f"Write {name} = {_EXAMPLES[name]}")
