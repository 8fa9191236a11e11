"""Names of the things in a report: a letter for the kind, a number for the order.

Each kind has a type of its own, so that an exchange's name is never taken for a tunnel's.
They are text, as in the JSON, and hold within one report only.
"""

from __future__ import annotations

from typing import Final, NewType, TypeAlias

ConnectionId = NewType("ConnectionId", str)
ExchangeId = NewType("ExchangeId", str)
TunnelId = NewType("TunnelId", str)
DirectTlsId = NewType("DirectTlsId", str)
ChainId = NewType("ChainId", str)

AnyId: TypeAlias = ConnectionId | ExchangeId | TunnelId | DirectTlsId | ChainId

#: Type of a name -> the letter that it begins with, as the schema states it.
LETTERS: Final = {
    ConnectionId: "c",
    ExchangeId: "e",
    TunnelId: "t",
    DirectTlsId: "d",
    ChainId: "h",
}


def pattern_of(kind: object) -> str | None:
    """The regular expression of the names of a type of this module; None for another type."""
    letter = next((LETTERS[each] for each in LETTERS if each is kind), None)
    return None if letter is None else f"^{letter}[1-9][0-9]*$"


def connection_id(number: int) -> ConnectionId:
    """The name of connection `number`."""
    return ConnectionId(f"c{number}")


def exchange_id(number: int) -> ExchangeId:
    """The name of exchange `number`."""
    return ExchangeId(f"e{number}")


def tunnel_id(number: int) -> TunnelId:
    """The name of tunnel `number`."""
    return TunnelId(f"t{number}")


def direct_tls_id(number: int) -> DirectTlsId:
    """The name of direct TLS connection `number`."""
    return DirectTlsId(f"d{number}")


def chain_id(number: int) -> ChainId:
    """The name of chain `number`."""
    return ChainId(f"h{number}")


def number_of(identifier: str) -> int:
    """The number in a name that this program made."""
    return int(identifier[1:])
