"""The lab's scenarios seen live give the golden reports (`make live-scenarios` plays them all)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.options import Options
from inspector.report.formats.whole import stable_part
from tests.live.offline import read
from tests.live.scenarios import HANDFUL, LIVE, watched


def test_the_handful_is_of_the_catalogue() -> None:
    assert set(HANDFUL) <= set(LIVE)


@pytest.mark.parametrize("name", HANDFUL)
def test_a_scenario_seen_live_gives_the_golden_report_and_whose_each_end_is(
    lab_possible: None, name: str
) -> None:
    with watched(name, "--raw", "--full") as seen:
        assert seen.wrong == []
        assert seen.misattributed == []
        live = seen.report
        assert live.live
        assert live.live.ended_for == "signal"
        offline = read(seen.path, options=Options(fingerprint_key=b"another"))
        assert stable_part(replace(live, live=None)) == stable_part(offline)
        assert live.captures == offline.captures
        assert live.completeness == offline.completeness
        assert live.connections == offline.connections  # processes come back from comments
        assert live.live.unattributed == sum(
            (connection.client_process is None) + (connection.server_process is None)
            for connection in live.connections
        )


@pytest.mark.parametrize("name", ["h4-401-inside-tunnel", "websocket"])
def test_cut_tunnels_and_masked_keys_change_nothing_in_the_report(
    lab_possible: None, name: str
) -> None:
    with watched(name) as seen:
        assert seen.wrong == []
        assert seen.misattributed == []
        assert b"LABONLY" not in seen.path.read_bytes()
        offline = read(seen.path)
        assert seen.report.captures == offline.captures
        assert seen.report.completeness == offline.completeness
        assert seen.report.connections == offline.connections


def test_on_docker_each_end_has_its_container_by_name(docker_possible: None) -> None:
    with watched("healthy-sse", "--raw", "--full", docker=True) as seen:
        assert seen.wrong == []
        assert seen.misattributed == []
        named = {
            connection.client.ip: connection.client_process.container
            for connection in seen.report.connections
            if connection.client_process
        }
        assert named == {"172.30.0.20": "awf-agent", "172.30.0.30": "awf-api-proxy"}
        (client,) = {client.ip: client.process for client in seen.report.clients}.items()
        assert client[1]
        assert client[1].container == "awf-agent"
        assert client[1].container_id
