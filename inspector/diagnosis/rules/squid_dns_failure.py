"""Squid finds no address for the host: ERR_DNS_FAIL; 5.7 says ERR_CANNOT_FORWARD (measured)."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.words import at, authority, plural, relayed, squid_error
from inspector.model.network import NO_ADDRESS

ABOUT: Final = Code(
    "squid-dns-failure",
    severity="error",
    title="Squid cannot resolve the API's name",
    needs=BOTH_HOPS,
    meaning=("Squid answered with ERR_DNS_FAIL or, as version 5.7 does, 500 ERR_CANNOT_FORWARD."),
    advice="Resolve the name inside Squid's container; look at its resolver.",
    shown_by="squid-dns-failure",
)


def explains(call: FailedCall, case: Case) -> bool:
    return any(name in squid_error(call) for name in NO_ADDRESS)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    where = at(call.packet, case)
    return f"Squid cannot resolve {authority(call)}: {plural(count, 'call')} ({where})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    return relayed(call)


CAUSE: Final = Cause(ABOUT, explains, sentence, details)
