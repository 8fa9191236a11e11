"""The real captures, read by the inspector and by tshark: both say the same.

tshark is asked through pyshark, one pass for each capture.  Where it says
something else, `NOT_SHOWN_BY_TSHARK` lists it with the reason, one by one.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from inspector import Options, Report, inspect
from inspector.model.credentials import AuthHeader
from inspector.model.http import EndedBy
from inspector.model.network import Endpoint
from tests.truth.real import Recording, needs_recordings, recordings
from tests.truth.tshark import ABSENT, Address, Auth, Ends, Opinion, opinion

FOUND = recordings()
pytestmark = [
    pytest.mark.long,
    needs_recordings,
    pytest.mark.skipif(ABSENT is not None, reason=ABSENT or ""),
]
each = pytest.mark.parametrize("recording", FOUND, ids=lambda item: item.name)

AGENT, API_PROXY = "172.30.0.20", "172.30.0.30"

#: What ended a response early -> why tshark is silent about its head as well.
WHY: dict[EndedBy, str] = {
    "client": "the client left before the last chunk: tshark shows no message that it cannot end",
    "server": "the server closed before the end that the framing promised: likewise",
    "gap": "a segment of the body was not captured: put in order, the stream stops there",
}

#: Capture -> (port of the agent, port of the API proxy) -> what ended the response
#: that tshark does not show.  The recordings' own logs have every one of these as
#: answered by 200 (`truth.json`), and all but the one with a gap as not finished.
NOT_SHOWN_BY_TSHARK: dict[str, dict[tuple[int, int], EndedBy]] = {
    "02a-sse-plain": {(50452, 10000): "client"},
    "02b-sse-gzip": {(60954, 10000): "client"},
    "06-json-truncate": {
        (34762, 10001): "server",
        (34772, 10001): "server",
        (34780, 10001): "server",
        (34796, 10001): "server",
    },
    "06-sse-close": {
        (46058, 10001): "server",
        (56948, 10001): "server",
        (56960, 10001): "server",
    },
    "11a-loss-sse-one-segment": {(35472, 10001): "gap", (50452, 10000): "client"},
    "11h-starts-midstream": {(50452, 10000): "client"},
}

theirs = cache(opinion)


def address(end: Endpoint) -> Address:
    return (end.ip, end.port)


def auth_row(auth: tuple[AuthHeader, ...]) -> Auth:
    """Names as sent with the length of the whole value: scheme, one space, credential."""
    return tuple(
        (item.name, len(f"{item.scheme} " if item.scheme else "") + item.credential.length)
        for item in auth
        if not item.name.startswith("?")
    )


@cache
def ours(path: Path) -> Opinion:
    report = inspect(path, options=Options(scope="all"))
    found = Opinion()
    answers: list[tuple[int, Ends, list[int]]] = []
    for exchange in report.exchanges:
        ends = (address(exchange.client), address(exchange.server))
        request, response = exchange.request, exchange.response
        if request is not None:
            row = (ends, request.method, request.target, auth_row(request.auth))
            found.requests[row] += 1
        if response is not None:
            answers.append((response.packet, ends, [*response.interim, response.status]))
    for tunnel in report.tunnels:
        ends = (address(tunnel.client), address(tunnel.proxy))
        if tunnel.authority is not None:
            found.requests[ends, "CONNECT", tunnel.authority, auth_row(tunnel.auth)] += 1
        if tunnel.connect_status is not None:
            # The report has no packet of this reply; it comes before what is inside.
            answers.append((tunnel.packet, ends, [*tunnel.interim, tunnel.connect_status]))
    for _, ends, statuses in sorted(answers):
        found.statuses.setdefault(ends, []).extend(statuses)
    note_tls(report, found)
    return found


def note_tls(report: Report, found: Opinion) -> None:
    """The hellos of tunnels, of Squid's legs of them, and of direct connections."""
    connections = {item.id: item for item in report.connections}
    seen = [((item.client, item.proxy), item.tls) for item in report.tunnels]
    seen += [((item.client, item.server), item.tls) for item in report.direct_tls]
    for tunnel in report.tunnels:
        if tunnel.egress is not None:
            leg = connections[tunnel.egress.connection]
            seen.append(((leg.client, leg.server), tunnel.tls))
    for (client, server), tls in seen:
        if tls is not None and tls.sni is not None:
            found.server_names[(address(client), address(server)), tls.sni] += 1
        if tls is not None and tls.cipher is not None:
            found.ciphers[(address(client), address(server)), tls.cipher] += 1


@each
def test_requests_are_the_same(recording: Recording) -> None:
    found, other = ours(recording.capture).requests, theirs(recording.capture).requests
    assert (found - other, other - found) == (Counter(), Counter())


@each
def test_statuses_are_the_same_by_connection_and_in_order(recording: Recording) -> None:
    found, other = ours(recording.capture).statuses, theirs(recording.capture).statuses
    silent = {
        ((AGENT, agent), (API_PROXY, service))
        for agent, service in NOT_SHOWN_BY_TSHARK.get(recording.name, {})
    }
    assert {ends: row for ends, row in found.items() if ends not in silent} == other
    assert all(found[ends] == [200] for ends in silent)


@each
def test_what_tshark_does_not_show_ended_early_for_the_reason_listed(recording: Recording) -> None:
    listed = NOT_SHOWN_BY_TSHARK.get(recording.name, {})
    report = inspect(recording.capture, options=Options(scope="all"))
    found = {
        (exchange.client.port, exchange.server.port): exchange.ended_by
        for exchange in report.exchanges
        if exchange.response is not None and not exchange.response.complete
    }
    assert found == listed
    assert {*listed.values()} <= {*WHY}


@each
def test_server_names_and_ciphers_are_the_same(recording: Recording) -> None:
    found, other = ours(recording.capture), theirs(recording.capture)
    assert found.server_names == other.server_names
    assert found.ciphers == other.ciphers
