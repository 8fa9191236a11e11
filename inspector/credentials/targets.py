"""A request target or a URL taken apart: where user information and secret parameters stand.

Any form (RFC 9112 3.2).  The report writes labels and a redacted copy masks, of the same reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from inspector.credentials import parts
from inspector.credentials.kinds import core_of
from inspector.fact import Fact
from inspector.regex import regex
from inspector.secret import Secret
from inspector.secrets.grammar import Span
from inspector.secrets.paths import AUTHORITY, hidden_in_parameter
from inspector.secrets.positions import CREDENTIAL_QUERY, SECRET_QUERY

_SEPARATOR: Final = regex("([&;])")


class Parameter(Fact):
    """A parameter of a query, undecoded: what stands before it, its name, its value.

    `value` is None without `=`.
    """

    separator: str
    name: str
    value: str | None

    def __repr__(self) -> str:
        size = None if self.value is None else len(self.value)
        return f"<Parameter of {len(self.name)} and {size} characters>"

    @property
    def folded(self) -> str:
        """Its name as the recipient compares it: unescaped, in lower case."""
        return unquote_to_bytes(self.name.encode("latin-1")).decode("latin-1").lower()

    @property
    def is_secret(self) -> bool:
        """Whether its name tells that its value is a credential."""
        return self.value is not None and self.folded in SECRET_QUERY

    @property
    def is_auth(self) -> bool:
        """Whether an API takes its credential there."""
        return self.folded in CREDENTIAL_QUERY

    @property
    def text(self) -> str:
        """As it was written."""
        return self.name if self.value is None else f"{self.name}={self.value}"

    def decoded(self) -> bytes:
        """Its value as the recipient sees it."""
        return unquote_to_bytes((self.value or "").encode("latin-1"))


class Target(Fact):
    """A target: its path (all before `?`), where in that user information stands, its query."""

    path: str
    user: Span | None
    mark: str
    query: str

    def __repr__(self) -> str:
        return f"<Target of {len(self.path)} and {len(self.query)} characters>"

    def parameters(self) -> Iterator[Parameter]:
        """The parameters of the query."""
        return parameters(self.query)


def read_target(text: str) -> Target:
    """Read a target, which white space may stand before."""
    path, mark, query = text.partition("?")
    start = AUTHORITY.match(path)
    user = None
    if start and "@" in start["authority"]:
        user = start.start("authority"), start.start("authority") + start["authority"].rindex("@")
    return Target(path, user, mark, query)


def secrets_of(text: str) -> Iterator[Secret]:
    """The secrets of a target: user information, values of secret parameters, each in all writings.

    A fragment may carry what a query does (RFC 6749 4.2.2).
    """
    target = read_target(text)
    if target.user is not None:
        yield from parts.user_information(target.path[slice(*target.user)].encode("latin-1"))
    for parameter in (*target.parameters(), *parameters(text.partition("#")[2])):
        if parameter.is_secret:
            written = (parameter.value or "").partition("#")[0].encode("latin-1")
            yield Secret(written)
            yield core_of(Secret(unquote_to_bytes(written)))


def parameters(query: str) -> Iterator[Parameter]:
    """The parameters of a query as they are written."""
    separator = ""
    for index, part in enumerate(_SEPARATOR.split(query)):
        if index % 2:
            separator = part
        else:
            name, equals, value = part.partition("=")
            yield Parameter(separator, name, value if equals else None)


def hidden_in_written(text: str) -> list[Span]:
    """Where what may not be shown of a parameter as it is written stands."""
    name, equals, value = text.partition("=")
    return hidden_in_parameter(name, value if equals else None)
