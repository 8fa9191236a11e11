"""Types of command line values: a wrong one is a usage error that names itself."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

import click

#: RFC 9110 5.6.2: a field name is a token.
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


if TYPE_CHECKING:
    _Type = click.ParamType[str]
else:  # a generic class only in newer versions of click
    _Type = click.ParamType


class _Text(_Type):
    """A string that is checked and passed on."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return self.checked(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def checked(self, text: str) -> str:
        """The canonical form of `text`.  Raises ValueError with a sentence."""
        raise NotImplementedError


class Subnet(_Text):
    """An IP network such as 172.30.0.0/24."""

    name = "CIDR"

    def checked(self, text: str) -> str:
        return str(ipaddress.ip_network(text, strict=False))


class Address(_Text):
    """An IPv4 or IPv6 address."""

    name = "IP"

    def checked(self, text: str) -> str:
        return str(ipaddress.ip_address(text))


class Service(_Text):
    """An address with or without a port: 172.30.0.10, 172.30.0.10:3128, [fd00::10]:3128."""

    name = "IP[:PORT]"

    def checked(self, text: str) -> str:
        address, port = text, ""
        if text.startswith("["):
            address, _, rest = text[1:].partition("]")
            if rest and not rest.startswith(":"):
                raise ValueError(f"{text!r} has text between ']' and the port.")
            port = rest[1:]
        elif text.count(":") == 1:
            address, port = text.split(":")
        ipaddress.ip_address(address)
        if text.endswith(":") and not port and text.count(":") == 1:
            raise ValueError(f"{text!r} lacks the port after ':'.")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"{port!r} is no port (1 to 65535).")
        return text


class HeaderName(_Text):
    """The name of a header field."""

    name = "NAME"

    def checked(self, text: str) -> str:
        if not _TOKEN.fullmatch(text):
            raise ValueError(f"{text!r} is no header name.")
        return text
