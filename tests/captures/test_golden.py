"""Every folder of `captures/`: the report equals what the lab's programs logged.

The logs became `truth.json`, which names each connection by its ports;
`expected.json` is the part that a second recording would share.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from inspector import Report, inspect
from inspector.model.credentials import AuthHeader
from inspector.report.formats.stable import stable_part
from lab.expected import auth, expected
from lab.index import CAPTURES, index
from lab.pattern import deviations
from lab.places import place
from lab.record import CAPTURE, LIMIT, describe, frame
from lab.scenarios import catalogue
from lab.toml import dumps

FOLDERS = sorted(path.parent for path in CAPTURES.glob("*/truth.json"))
API_PORTS = range(10000, 10005)

Row = tuple[object, ...]


@cache
def report_of(folder: Path) -> Report:
    return inspect(folder)


@cache
def truth_of(folder: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return truth


@cache
def scenario_of(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "scenario.toml").read_text())


def is_partial(folder: Path) -> bool:
    return bool(scenario_of(folder)["report"]["partial"])


#: Where the API proxy's log speaks of what is on the bridge: no gateway stands in its place.
LOGGED = [folder for folder in FOLDERS if not scenario_of(folder)["lab"].get("gateway")]
#: Of these, where the capture lacks nothing on purpose.
WHOLE = [folder for folder in LOGGED if not is_partial(folder)]
each = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_logged = pytest.mark.parametrize("folder", LOGGED, ids=lambda folder: folder.name)
each_whole = pytest.mark.parametrize("folder", WHOLE, ids=lambda folder: folder.name)


def credential(item: AuthHeader) -> Row:
    told = item.credential
    return (item.name, item.scheme, told.kind, told.prefix, told.length, told.placeholder)


def true_credential(name: str, value: str) -> Row:
    row = auth(name, value)
    return (row["name"], row["scheme"], *row["credential"].values())


def alike(folder: Path, found: Iterable[Row], true: Iterable[Row]) -> bool:
    """Equal, or a part of the truth where the capture lacks something."""
    left, right = sorted(found, key=repr), sorted(true, key=repr)
    return set(left) <= set(right) if is_partial(folder) else left == right


def test_every_scenario_has_its_folder_and_every_folder_its_scenario() -> None:
    assert [folder.name for folder in FOLDERS] == sorted(catalogue())


@each
def test_the_report_is_as_expected(folder: Path) -> None:
    pattern = json.loads((folder / "expected.json").read_text())
    assert deviations(pattern, stable_part(report_of(folder))) == []


@each
def test_what_is_expected_follows_from_the_scenario_and_the_logs(folder: Path) -> None:
    pattern = json.loads((folder / "expected.json").read_text())
    assert pattern == expected(scenario_of(folder), truth_of(folder))


@each
def test_the_folder_says_what_its_scenario_says(folder: Path) -> None:
    scenario, truth = catalogue()[folder.name], truth_of(folder)
    said = describe(scenario, scenario_of(folder)["recorded_with"])
    assert scenario_of(folder) == tomllib.loads(dumps(said))
    assert truth | frame(scenario) == truth


@each_logged
def test_requests_credentials_and_statuses_are_those_of_the_logs(folder: Path) -> None:
    found = [
        (
            (exchange.client.ip, exchange.client.port),
            exchange.server.port,
            exchange.request.method,
            exchange.request.target,
            tuple(name for name, _ in exchange.request.headers),
            tuple(credential(item) for item in exchange.request.auth if item.name[0] != "?"),
            exchange.response.status if exchange.response else None,
        )
        for exchange in report_of(folder).exchanges
        if exchange.request and exchange.server.port in API_PORTS
    ]
    true = [
        (
            place(request["client"]),
            place(request["server"])[1],
            request["method"],
            request["target"],
            tuple(request["header_names"]),
            tuple(true_credential(item["name"], item["value"]) for item in request["auth"]),
            request["status"],
        )
        for request in truth_of(folder)["agent_requests"]
    ]
    assert alike(folder, found, true)


@each_whole
def test_answers_are_whole_where_the_api_proxy_finished_them(folder: Path) -> None:
    truth = truth_of(folder)
    clients = [place(request["client"]) for request in truth["agent_requests"]]
    finished = {
        place(request["client"]): bool(request["response_finished"])
        for request in truth["agent_requests"]
        # Of several on one connection the last alone may be cut.
        if clients.count(place(request["client"])) == 1
    }
    for exchange in report_of(folder).exchanges:
        client = (exchange.client.ip, exchange.client.port)
        if exchange.server.port in API_PORTS and client in finished:
            whole = exchange.response is not None and exchange.response.complete
            assert whole is finished[client], exchange.id


@each
def test_tunnels_are_those_of_squid_and_the_api_proxy(folder: Path) -> None:
    truth = truth_of(folder)
    found = [
        ((tunnel.client.ip, tunnel.client.port), tunnel.authority, tunnel.connect_status)
        for tunnel in report_of(folder).tunnels
        if tunnel.authority
    ]
    lines = {
        line["client"]: (place(line["client"]), line["url"], line["status"])
        for line in truth["squid_log"]
        if line["method"] == "CONNECT"
    }
    lines |= {
        tunnel["client"]: (place(tunnel["client"]), tunnel["authority"], tunnel["status"])
        for tunnel in truth["proxy_tunnels"]
    }
    assert alike(folder, found, lines.values())


@each_whole
def test_tunnels_with_an_api_call_inside_finished_their_handshake(folder: Path) -> None:
    calls = {place(call["tunnel"]): call["tls"] for call in truth_of(folder)["upstream_calls"]}
    for tunnel in report_of(folder).tunnels:
        version = calls.get((tunnel.client.ip, tunnel.client.port))
        if version is not None:
            assert tunnel.tls
            assert tunnel.tls.handshake == "complete"
            assert tunnel.tls.version == version.replace("TLSv", "TLS ")


@each
def test_what_the_api_proxy_sent_is_what_the_api_received(folder: Path) -> None:
    for call in truth_of(folder)["upstream_calls"]:
        # A newline in a credential ends the header block: the API has not seen what followed.
        whole = not any("\n" in item["value"] for item in call["auth"])
        assert call["received"] is whole


@each
def test_nothing_failed_inside_the_inspector(folder: Path) -> None:
    assert "internal-error" not in {item.name for item in report_of(folder).oddities}


@each
def test_the_folder_is_small_and_names_itself(folder: Path) -> None:
    assert (folder / CAPTURE).stat().st_size <= LIMIT
    assert scenario_of(folder)["name"] == truth_of(folder)["scenario"] == folder.name


@each
def test_every_key_in_it_is_made_up(folder: Path) -> None:
    truth = truth_of(folder)
    values = {
        item["value"]
        for rows in (truth["agent_requests"], truth["upstream_calls"], truth["client_calls"])
        for row in rows
        for item in row["auth"]
    }
    values |= {value for value in truth["secrets"].values() if value}
    assert all("LABONLY" in value or "placeholder" in value or "ghu_a" in value for value in values)


def test_the_index_is_that_of_the_folders() -> None:
    assert (CAPTURES / "README.md").read_text() == index()
