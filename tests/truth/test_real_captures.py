"""What the inspector says of the real stack equals what the stack's own logs say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from inspector import inspect
from inspector.model.credentials import AuthHeader
from inspector.model.http import Exchange
from inspector.model.network import Tunnel
from inspector.model.report import Report
from tests.truth.real import Recording, needs_recordings, place, recordings

FOUND = recordings()
pytestmark = needs_recordings
each = pytest.mark.parametrize("recording", FOUND, ids=lambda item: item.name)

API_PROXY = "172.30.0.30"
API_PORTS = range(10000, 10005)
#: A derived capture lacks what its dropped packets carried.
Row = tuple[object, ...]


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    return {recording.name: inspect(recording.folder) for recording in FOUND}


def auth_row(auth: AuthHeader) -> Row:
    """A placeholder is known by name, any other credential by its length."""
    return (auth.name, auth.scheme, auth.credential.placeholder or auth.credential.length)


def true_auth_row(name: str, value: str) -> Row:
    scheme, space, rest = value.partition(" ")
    credential = rest if space else value
    known = "placeholder" in credential
    return (name, scheme if space else None, credential if known else len(credential))


def at_api_proxy(exchanges: Iterable[Exchange]) -> list[Exchange]:
    return [
        exchange
        for exchange in exchanges
        if exchange.server.ip == API_PROXY and exchange.server.port in API_PORTS
    ]


def exchange_row(exchange: Exchange) -> Row:
    request, response = exchange.request, exchange.response
    assert request is not None
    return (
        (exchange.client.ip, exchange.client.port),
        exchange.server.port,
        request.method,
        request.target,
        tuple(name for name, _ in request.headers),
        tuple(auth_row(auth) for auth in request.auth),
        response.status if response else None,
    )


def true_exchange_row(truth: dict[str, Any], *, upgraded_to: int | None) -> Row:
    status = truth["status"]
    if truth["kind"] == "websocket-upgrade" and status is None:
        status = upgraded_to  # no log has it; the packets do
    return (
        place(truth["client"]),
        place(truth["server"])[1],
        truth["method"],
        truth["target"],
        tuple(truth["header_names"]),
        tuple(true_auth_row(auth["name"], auth["value"]) for auth in truth["auth"]),
        status,
    )


@each
def test_exchanges_are_those_that_the_clients_made(
    recording: Recording, reports: dict[str, Report]
) -> None:
    found = [exchange_row(item) for item in at_api_proxy(reports[recording.name].exchanges)]
    true = [true_exchange_row(item, upgraded_to=101) for item in recording.truth["agent_requests"]]
    if recording.is_partial:
        assert found
        assert set(found) <= set(true)
        lost = {row[0] for row in set(true) - set(found)}
        assert len(lost) <= 1  # the one connection whose packets were dropped
    else:
        assert sorted(found, key=repr) == sorted(true, key=repr)


@each
def test_completed_responses_are_those_that_the_clients_finished(
    recording: Recording, reports: dict[str, Report]
) -> None:
    if recording.is_partial:
        pytest.skip("packets were dropped from this capture: completeness is what it lacks")
    finished = {
        place(item["client"]): bool(item["response_finished"])
        for item in recording.truth["agent_requests"]
        if item["kind"] == "http"
    }
    counts: dict[tuple[str, int], int] = {}
    for item in recording.truth["agent_requests"]:
        counts[place(item["client"])] = counts.get(place(item["client"]), 0) + 1
    for exchange in at_api_proxy(reports[recording.name].exchanges):
        client = (exchange.client.ip, exchange.client.port)
        if counts.get(client) == 1 and client in finished:
            complete = exchange.response is not None and exchange.response.complete
            assert complete is finished[client], exchange.id


def tunnel_row(tunnel: Tunnel) -> Row:
    return (
        (tunnel.client.ip, tunnel.client.port),
        tunnel.authority,
        tunnel.connect_status,
        tunnel.tls.handshake if tunnel.tls else None,
    )


def true_tunnel_rows(recording: Recording) -> list[Row]:
    """Every CONNECT that Squid logged, with what the upstream saw of its TLS."""
    reached = {
        call["tunnel"]: call["tls"] is not None for call in recording.truth["upstream_calls"]
    }
    # Of a WebSocket's tunnel the upstream's log has nothing; it ran (the client got its 101).
    reached |= {
        tunnel["client"]: True
        for tunnel in recording.truth["proxy_tunnels"]
        if tunnel["authority"] is None
    }
    rows: list[Row] = []
    for line in recording.truth["squid_log"]:
        if line["method"] != "CONNECT":
            continue
        handshake: str | None = None
        if line["status"] == 200 and line["url"].endswith(":443"):
            # The agent's own tunnels are in no upstream log of the truth; the one
            # there is (05c) was answered inside.
            handshake = "complete" if reached.get(line["client"], True) else "failed"
        rows.append((place(line["client"]), line["url"], line["status"], handshake))
    return rows


@each
def test_tunnels_are_those_that_squid_logged(
    recording: Recording, reports: dict[str, Report]
) -> None:
    found = [tunnel_row(item) for item in reports[recording.name].tunnels]
    true = true_tunnel_rows(recording)
    if recording.is_partial:
        known = [row for row in found if row[1] is not None]
        assert set(known) <= set(true)
    else:
        assert sorted(found, key=repr) == sorted(true, key=repr)


@each
def test_nothing_failed_inside_the_inspector(
    recording: Recording, reports: dict[str, Report]
) -> None:
    assert "internal-error" not in {item.name for item in reports[recording.name].oddities}


@each
def test_the_verdict_says_what_was_dropped(
    recording: Recording, reports: dict[str, Report]
) -> None:
    verdict = reports[recording.name].completeness.verdict
    assert verdict == ("incomplete" if recording.is_partial else "complete")


def test_frames_seen_several_times_are_one(reports: dict[str, Report]) -> None:
    report = reports["15a-any-iface"]
    # 354 of 841 TCP frames repeat addresses, IP identification, sequence,
    # acknowledgement, flags, window and length of an earlier one (tshark's columns).
    assert report.completeness.duplicate_packets == 354


def test_a_call_through_squid_counts_once(reports: dict[str, Report]) -> None:
    report = reports["10-via-squid-head"]
    legs = [item for item in report.exchanges if item.hop == "forward-proxy-to-api-proxy"]
    assert len(legs) == 5
    assert all(leg.relays for leg in legs)
    by_id = {item.id: item for item in report.exchanges}
    for leg in legs:
        assert leg.relays is not None
        first = by_id[leg.relays]
        assert first.client.ip == "172.30.0.20"
        assert first.request
        assert leg.request
        assert first.request.body_bytes == leg.request.body_bytes
        assert first.provider == leg.provider == "anthropic"
    assert sum(client.requests for client in report.clients) == 5
    assert {client.ip for client in report.clients} == {"172.30.0.20"}
