"""Types of command line values: a wrong one is a usage error that names itself."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

import click

from inspector.errors import quoted
from inspector.regex import regex

#: RFC 9110 5.6.2: a field name is a token.
_TOKEN: Final = regex(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


if TYPE_CHECKING:
    _Type = click.ParamType[str]
else:  # a generic class only in newer versions of click
    _Type = click.ParamType


class Text(_Type):
    """A string that is checked and passed on."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return self.checked(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def checked(self, text: str) -> str:
        """The canonical form of `text`.  Raises ValueError with a sentence."""
        raise NotImplementedError


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ValueError(
            f"{quoted(text)} is no IPv4 or IPv6 address; write it as 172.30.0.10."
        ) from error


class Subnet(Text):
    """An IP network such as 172.30.0.0/24."""

    name = "CIDR"

    def checked(self, text: str) -> str:
        try:
            return str(ipaddress.ip_network(text, strict=False))
        except ValueError as error:
            raise ValueError(f"{quoted(text)} is no network; write it as 172.30.0.0/24.") from error


class Address(Text):
    """An IPv4 or IPv6 address."""

    name = "IP"

    def checked(self, text: str) -> str:
        return _address(text)


class ServiceParameter(Text):
    """An address with or without a port: 172.30.0.10, 172.30.0.10:3128, [fd00::10]:3128."""

    name = "IP[:PORT]"

    def checked(self, text: str) -> str:
        address, port = text, ""
        if text.startswith("["):
            address, _, rest = text[1:].partition("]")
            if rest and not rest.startswith(":"):
                raise ValueError(f"{quoted(text)} has text between ']' and the port.")
            port = rest[1:]
        elif text.count(":") == 1:
            address, port = text.split(":")
        _address(address)
        if text.endswith(":") and not port and text.count(":") == 1:
            raise ValueError(f"{quoted(text)} has no port after ':'.")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"{quoted(port)} is no port (1 to 65535).")
        return text


#: Factors of 1000 as storage is sold, of 1024 with an i.
_UNITS: Final = {
    "": 1, "B": 1,
    "K": 10**3, "KB": 10**3, "M": 10**6, "MB": 10**6, "G": 10**9, "GB": 10**9,
    "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30,
}  # fmt: skip
_SIZE: Final = regex(r"([0-9]{1,12}(?:\.[0-9]{1,3})?) ?([A-Za-z]*)", re.ASCII)
_DURATION: Final = regex(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(s|m|h|)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


def size_in_bytes(text: str) -> int:
    """`500`, `64KiB`, `100MB`, `1.5G` in bytes.  Raises ValueError with a sentence."""
    match = _SIZE.fullmatch(text)
    unit = _UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None:
        raise ValueError(f"{quoted(text)} is no size; write it as 100MB or 64KiB.")
    size = int(float(match[1]) * unit)
    if size <= 0:
        raise ValueError(f"{quoted(text)} is no size above zero.")
    return size


def duration_in_seconds(text: str) -> float:
    """`30`, `30s`, `1.5m`, `2h` in seconds.  Raises ValueError with a sentence."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{quoted(text)} is no duration; write it as 30s, 5m or 2h.")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds <= 0:
        raise ValueError(f"{quoted(text)} is no duration above zero.")
    return seconds


class Size(Text):
    """A size in bytes, with or without a unit; `size_in_bytes` gives the number."""

    name = "SIZE"

    def checked(self, text: str) -> str:
        size_in_bytes(text)
        return text


class Duration(Text):
    """A time span; `duration_in_seconds` gives the number."""

    name = "DURATION"

    def checked(self, text: str) -> str:
        duration_in_seconds(text)
        return text


class Rotate(Text):
    """A size at which the next file begins, and how many files are kept: 100MB, 100MB:5."""

    name = "SIZE[:COUNT]"

    def checked(self, text: str) -> str:
        size, colon, count = text.partition(":")
        size_in_bytes(size)
        if colon and not (count.isascii() and count.isdigit() and 0 < int(count) < 100_000):
            raise ValueError(f"{quoted(count)} is no number of files (1 to 99999).")
        return text


class HeaderName(Text):
    """The name of a header field."""

    name = "NAME"

    def checked(self, text: str) -> str:
        if not _TOKEN.fullmatch(text):
            raise ValueError(
                f"{quoted(text)} is no header name; give the name alone, without colon and value."
            )
        return text


_LABEL: Final = regex(r"[a-z][a-z0-9_.-]{0,39}")
_LABEL_LIMIT: Final = 200


class Label(Text):
    """A name and a value, as `team=payments`."""

    name = "NAME=VALUE"

    def checked(self, text: str) -> str:
        name, equals, value = text.partition("=")
        if not equals or not _LABEL.fullmatch(name):
            raise ValueError(
                "A label is written NAME=VALUE; its name has small letters, digits, '_', '.' and "
                "'-', and begins with a letter."
            )
        if not value.strip() or len(value) > _LABEL_LIMIT or not value.isprintable():
            raise ValueError(
                f"The value of the label {name} is empty, longer than {_LABEL_LIMIT} characters "
                "or not printable."
            )
        return text
