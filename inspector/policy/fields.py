"""The values of a policy's tables: each read, checked, and refused with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar

from inspector.errors import is_plain_word, plain
from inspector.policy.patterns import is_host_and_port
from inspector.policy.places import Place, nearest
from inspector.regex import regex

T = TypeVar("T")

#: A table as TOML gives it.
Table = Mapping[str, Any]

_STATUS: Final = regex(r"[1-5](?:[0-9]{2}|xx)")
#: A field name (RFC 9110 5.1), or a query parameter as reports name it.
_HEADER: Final = regex(r"\??[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_URL: Final = regex(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Fields(Generic[T]):
    """One table: a reader for each of its names, in the order in which errors are told."""

    def __init__(self, of: str, readers: Mapping[str, Callable[[Place, str, Any], Any]]) -> None:
        self._of = of
        self._readers = readers

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._readers)

    def read(self, table: Table, place: Place) -> dict[str, Any]:
        """The values of a table that are there.  Raises `PolicyError`."""
        unknown = sorted(set(table) - set(self._readers))
        if unknown:
            place.unknown(unknown, self.names, self._of)
        return {
            name: reader(place, name, table[name])
            for name, reader in self._readers.items()
            if name in table
        }


def boolean(place: Place, name: str, value: Any) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        place.wrong(name, "true or false")
    return value


def number(of: str, least: int = 0) -> Callable[[Place, str, Any], int]:
    """A whole number of something."""

    def read(place: Place, name: str, value: Any) -> int:
        if type(value) is not int or value < least:
            place.wrong(name, f"a number of {of}, {least} or more")
        return value

    return read


def text(of: str) -> Callable[[Place, str, Any], str]:
    """A text that is not blank, without space around it."""

    def read(place: Place, name: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            place.wrong(name, of)
        if value != value.strip():
            place.wrong(name, f"{of}: it has space around it, and would never match")
        return value

    return read


def one_of(*allowed: Any) -> Callable[[Place, str, Any], Any]:
    """One of a few values."""
    said = ", ".join(plain(str(each)) for each in allowed)
    meant = f'"{said}"' if len(allowed) == 1 else f"one of {said}"

    def read(place: Place, name: str, value: Any) -> Any:
        if isinstance(value, (list, dict)) or value not in allowed or isinstance(value, float):
            near = nearest(value, tuple(map(str, allowed))) if isinstance(value, str) else []
            hint = f"Did you mean {plain(near[0])}? " if near else ""
            place.wrong(name, meant, f"{hint}See docs/policy.md")
        return value

    return read


def several(
    of: str, each: Callable[[str], str | None] = lambda text: None
) -> Callable[[Place, str, Any], tuple[str, ...]]:
    """A list of texts that is not empty; `each` says what is wrong with one of them."""

    def read(place: Place, name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            place.wrong(name, f"a list of {of}")
        if not value:
            place.refuse(
                f"has an empty list {name}: nothing could ever be in it",
                f"Leave {name} out, or use forbid = true for what must not be at all",
            )
        for number, item in enumerate(value, 1):
            wrong = "it has space around it" if item != item.strip() else each(item)
            if not item or wrong:
                which = f'"{item}"' if is_plain_word(item) else f"number {number}"
                place.wrong(name, f"a list of {of}: {which} is none, {wrong or 'it is empty'}")
        return tuple(value)

    return read


def header(name: str) -> str | None:
    """What is wrong with the name of a header."""
    return None if _HEADER.fullmatch(name) else "a name has letters, digits and hyphens alone"


def host(name: str) -> str | None:
    """What is wrong with `host:port`, where the host may begin with `*.`."""
    if _URL.match(name):
        return "it is an URL; write host:port"
    if ":" not in name.rpartition("]")[2]:
        return "it has no port; write host:443"
    return None if is_host_and_port(name) else "write host:port, *.host:port or [address]:port"


def authority(name: str) -> str | None:
    """What is wrong with an exact `host:port`."""
    return host(name) or ("* is known to hosts alone" if "*" in name else None)


def path(name: str) -> str | None:
    """What is wrong with the pattern of a path."""
    return None if name.startswith(("/", "*")) else "a path begins with /"


def statuses(place: Place, name: str, value: Any) -> tuple[str, ...]:
    """Codes and classes of them."""
    told = tuple(map(str, value)) if isinstance(value, list) else ("",)
    if not all(map(_STATUS.fullmatch, told)):
        place.wrong(name, 'a list such as [200, "2xx", 429]')
    if not told:
        place.refuse(
            "has an empty list statuses: no answer could ever be right",
            "Leave statuses out, or use forbid = true for calls that must not be made",
        )
    return told


def day(place: Place, name: str, value: Any) -> date:
    """A date."""
    if not isinstance(value, date) or isinstance(value, datetime):
        place.wrong(name, "a date such as 2026-12-31, without quotes")
    return value
