"""Squid finds no address for the host, and says so: ERR_DNS_FAIL."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.words import at, authority, plural, relayed, squid_error
from inspector.model.network import NO_ADDRESS

ABOUT: Final = Code(
    "squid-dns-failure",
    severity="error",
    title="Squid cannot resolve the API's name",
    needs=BOTH_HOPS,
    meaning=(
        "Squid answered with ERR_DNS_FAIL: the resolver that it asks knows no address for the"
        " name. Version 5.7 says ERR_CANNOT_FORWARD, which has another cause as well"
        " (squid-cannot-forward)."
    ),
    advice="Resolve the name inside Squid's container; look at its resolver (dns_nameservers).",
)


def explains(call: FailedCall, case: Case) -> bool:
    return NO_ADDRESS in squid_error(call)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    where = at(call.packet, case)
    return f"Squid cannot resolve {authority(call)}: {plural(count, 'call')} ({where})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    return relayed(call)


CAUSE: Final = Cause(ABOUT, explains, sentence, details)
