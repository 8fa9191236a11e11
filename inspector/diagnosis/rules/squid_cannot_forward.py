"""Squid knows no way to the host: its name, or a parent proxy; ERR_CANNOT_FORWARD is both."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import peeked
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.words import at, authority, plural, relayed, squid_error
from inspector.model.network import NO_WAY

ABOUT: Final = Code(
    "squid-cannot-forward",
    severity="error",
    title="Squid knows no way to the API",
    needs=BOTH_HOPS,
    meaning=(
        "Squid answered with ERR_CANNOT_FORWARD. Either it found no address for the name (version"
        " 5.7 says so, measured; newer ones say ERR_DNS_FAIL), or it may go only through a parent"
        " proxy (cache_peer, the firewall's upstream proxy) and none can be reached. The answer is"
        " the same for both, and nothing was sent to the API."
    ),
    advice=(
        "Resolve the name inside Squid's container; where squid.conf has a cache_peer, try its"
        " host and port from there (HTTPS_PROXY of the firewall's host names it)."
    ),
    shown_by="squid-dns-failure",
)


def explains(call: FailedCall, case: Case) -> bool:
    return NO_WAY in squid_error(call) or peeked.of_call(call, case) == "no-way"


def sentence(call: FailedCall, case: Case, count: int) -> str:
    where = at(call.packet, case)
    return f"Squid knows no way to {authority(call)}: {plural(count, 'call')} ({where})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    said = squid_error(call).partition(" ")[0] or "Its log has 5xx HIER_NONE"
    return (f"{said}: no address for the name, or no parent proxy.", *relayed(call))


CAUSE: Final = Cause(
    ABOUT, explains, sentence, details, "whether the name or a parent proxy is at fault"
)
