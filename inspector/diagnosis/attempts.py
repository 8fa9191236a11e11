"""Classify failed connection attempts to an API proxy.

A failed attempt is a retry after the API proxy died, an attempt at a port that has no listener,
a wait for the API proxy to start, or unexplained.
"""

from __future__ import annotations

from collections.abc import Mapping

from inspector.diagnosis.case import Case
from inspector.fact import Changing, field
from inspector.model.ids import connection_id
from inspector.model.network import CONNECT_FAILED, Tunnel
from inspector.wire import Moment, precedes


class Attempts(Changing):
    """Failed connection attempts by class.  An attempt is (connection number, packet)."""

    #: Attempts at a port that has no listener: all of them were refused, or the API proxy is
    #: alive.
    refused: list[tuple[int, int]] = field(default_factory=list)
    #: How many attempts followed a call that the API proxy died of: retries of that call.
    retries: int = 0
    #: Attempts of which the capture does not show why they failed.
    unexplained: list[tuple[int, int]] = field(default_factory=list)


def barred(tunnel: Tunnel, case: Case) -> str | None:
    """Return the finding of a CONNECT for the API proxy that was refused; None for any other."""
    refusal = tunnel.refusal
    if refusal is None or not case.connects.is_barred(tunnel):
        return None
    if refusal.is_denial:
        return "squid-denied"
    if refusal.is_relayed:
        return "parent-proxy-refused"
    return "proxy-not-listening" if is_refused(refusal.error) else "squid-cannot-connect"


def is_refused(error: str | None) -> bool:
    """Whether Squid says that the host it was to connect to refused: errno 111 (ECONNREFUSED)."""
    return (error or "").split(" ") == [CONNECT_FAILED, "111"]


def classify(case: Case, died: Mapping[str, Moment]) -> Attempts:
    """Classify all failed attempts of a case.

    `died` maps the address of an API proxy that died to the moment when it closed the call that
    it died of.  Attempts at a port that accepts connections later were a wait for its start and
    are in no class.  Only a connection that the API proxy accepts or opens after the first
    refusal proves that it is alive: it may have died after an earlier one.  An attempt that
    nobody answered proves nothing if packets are missing.
    """
    found = Attempts()
    for (address, _), service in case.contacts.services.items():
        if address not in case.api_proxies or not service.failed:
            continue
        tries = service.failed
        if service.accepted_after(tries.moment(len(tries) - 1)):
            continue
        taken = service.accepted
        start = tries.place_after(taken.moment(len(taken) - 1)) if taken else 0
        entries = [
            entry
            for entry in zip(tries.names[start:], tries.packets[start:], strict=True)
            if not _is_of_a_call(entry[0], case)
        ]
        if not entries:
            continue
        first = tries.moment(start)
        if address in died and not precedes(first, died[address]):
            found.retries += len(entries)
        elif not service.accepted and not service.silent and service.unreached == 0:
            # RST from its address: its host is there, and nobody listens.
            found.refused += entries
        elif (
            case.contacts.lives_after(address, first)
            and not service.accepted
            and case.not_read.is_whole
        ):
            found.refused += entries
        else:
            found.unexplained += entries
    return found


def _is_of_a_call(number: int, case: Case) -> bool:
    """Whether a forward proxy made it for a client's call, which is counted by itself."""
    connection = case.connections.get(connection_id(number))
    return connection is not None and connection.client.ip in case.forward_proxies
