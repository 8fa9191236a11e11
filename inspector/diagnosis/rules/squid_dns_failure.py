"""Squid finds no address for the host: ERR_DNS_FAIL; 5.7 says ERR_CANNOT_FORWARD (measured)."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import at, authority, plural, relayed, squid_error


def explains(call: FailedCall, case: Case) -> bool:
    return any(name in squid_error(call) for name in ("ERR_DNS_FAIL", "ERR_CANNOT_FORWARD"))


def sentence(call: FailedCall, case: Case, count: int) -> str:
    where = at(call.packet, case)
    return f"Squid cannot resolve {authority(call)}: {plural(count, 'call')} ({where})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    return relayed(call)


CAUSE: Final = Cause("squid-dns-failure", explains, sentence, details)
