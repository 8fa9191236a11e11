"""Squid does not accept connections, either for this call or from some point on."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.index import Service, closed_moment
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.words import at, plural
from inspector.wire import precedes

ABOUT: Final = Code(
    "squid-down",
    severity="error",
    title="Squid does not answer",
    needs=BOTH_HOPS,
    meaning=(
        "The API proxy's connections to Squid are refused or meet silence, or Squid closed a"
        " tunnel in mid-stream and was not there afterwards."
    ),
    advice="Look at Squid's container: its state, its cache.log, its memory.",
    shown_by="squid-down",
)


def explains(call: FailedCall, case: Case) -> bool:
    """The API proxy could not reach Squid, or Squid left in the middle and never came back."""
    tunnel = call.tunnel
    if call.outcome == "cut" and tunnel is not None and tunnel.closed_at is not None:
        closed = closed_moment(case.connections.get(tunnel.connection))
        if tunnel.closed_by not in ("server", "reset-by-server"):
            return False
        service = case.contacts.services.get((tunnel.proxy.ip, tunnel.proxy.port), Service())
        if closed is None:
            return False
        return service.failed_after(closed) > 0 and not service.accepted_after(closed)
    if call.tunnels or call.answered_by not in ("api-proxy", "nobody"):
        return False
    if call.status is not None and call.status < 500:
        return False
    return attempt(call, case) is not None or says_so(call, case)


def says_so(call: FailedCall, case: Case) -> bool:
    """The API proxy's own error quotes Node's: `connect ECONNREFUSED 172.30.0.10:3128`."""
    words = call.message.split()
    if "econnrefused" not in words:
        return False
    return any(word.rpartition(":")[0].strip("[]") in case.forward_proxies for word in words)


def attempt(call: FailedCall, case: Case) -> int | None:
    """The packet of a failed connection to a forward proxy while the call waited."""
    request, response, connection = call.exchange.request, call.exchange.response, call.connection
    if request is None:
        return None
    end = closed_moment(connection)
    if response is not None:
        end = response.started_at, response.packet
    for service in case.contacts.forward_services():
        tries = service.failed
        place = tries.place_after((request.started_at, request.packet))
        if place == len(tries):
            continue
        tried = tries.moment(place)
        if end is None and tried[0] > request.started_at + WAITS:
            continue
        if end is None or precedes(tried, end):
            return tried[1]
    return None


#: How long a connection attempt may follow its request when nothing else bounds it.
WAITS: Final = 60_000_000_000


def sentence(call: FailedCall, case: Case, count: int) -> str:
    packet = attempt(call, case)
    if packet is None and call.outcome == "status":
        packet = call.packet
    if packet is None:
        return f"Squid left in mid-stream and did not come back ({at(call.packet, case)})."
    return f"The API proxy cannot connect to Squid: {plural(count, 'call')} ({at(packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    tries = [service.failed for service in case.contacts.forward_services() if service.failed]
    if not tries:
        return ()
    failed = sum(map(len, tries))
    last = max(opened.packets[-1] for opened in tries)
    return (f"{plural(failed, 'connection attempt')} to it failed (last: {at(last, case)}).",)


CAUSE: Final = Cause(ABOUT, explains, sentence, details, "why Squid is not there")
