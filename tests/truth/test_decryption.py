"""What is read inside the tunnels of the real stack equals what the upstream's own log says."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from inspector import Options, inspect
from inspector.model.http import Exchange
from inspector.model.report import Report
from tests.truth.real import Recording, needs_recordings, place, recordings
from tests.truth.test_real_captures import API_PROXY, auth_row, true_auth_row

FOUND = [each for each in recordings() if (each.folder / "keys.log").exists()]
pytestmark = needs_recordings
each = pytest.mark.parametrize("recording", FOUND, ids=lambda item: item.name)
Row = tuple[object, ...]


def read_with(recording: Recording, keys: Path) -> Report:
    return inspect(recording.folder, options=Options(key_logs=(keys,)))


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    return {each.name: read_with(each, each.folder / "keys.log") for each in FOUND}


def inside(report: Report) -> list[Exchange]:
    return [each for each in report.exchanges if each.decrypted and each.client.ip == API_PROXY]


def row(exchange: Exchange) -> Row:
    request, response = exchange.request, exchange.response
    assert request is not None
    return (
        (exchange.client.ip, exchange.client.port),
        request.method,
        request.target,
        tuple(name for name, _ in request.headers),
        tuple(auth_row(auth) for auth in request.auth),
        None if response is None else response.status,
    )


def true_row(call: dict[str, Any]) -> Row:
    return (
        place(call["tunnel"]),
        call["method"],
        call["path"],
        tuple(call["header_names"]),
        tuple(true_auth_row(auth["name"], auth["value"]) for auth in call["auth"]),
        call["status"],
    )


def true_rows(recording: Recording) -> list[Row]:
    return [true_row(call) for call in recording.truth["upstream_calls"] if call["tls"]]


@each
def test_inner_exchanges_are_those_that_the_upstream_took(
    recording: Recording, reports: dict[str, Report]
) -> None:
    found = [row(exchange) for exchange in inside(reports[recording.name])]
    true = true_rows(recording)
    kinds = {call["kind"] for call in recording.truth["agent_requests"]}
    if recording.is_partial or "websocket-upgrade" in kinds:  # of these no log has all
        assert set(true) >= {one for one in found if one[0] in {each[0] for each in true}}
    else:
        assert sorted(found, key=repr) == sorted(true, key=repr)


@each
def test_they_were_answered_whole_where_the_upstream_says_so(
    recording: Recording, reports: dict[str, Report]
) -> None:
    """A null of the truth is what no log has: whether a client that left took all of it."""
    if recording.is_partial:
        pytest.skip("packets were dropped from this capture: completeness is what it lacks")
    true = {
        place(call["tunnel"]): call["complete"]
        for call in recording.truth["upstream_calls"]
        if call["tls"] and call["complete"] is not None
    }
    found = {
        (exchange.client.ip, exchange.client.port): bool(
            exchange.response is not None and exchange.response.complete
        )
        for exchange in inside(reports[recording.name])
    }
    assert {client: found[client] for client in true} == true


@each
def test_an_answer_is_as_long_inside_as_on_the_agents_hop(
    recording: Recording, reports: dict[str, Report]
) -> None:
    """The API proxy passes bodies of answers on as they are, content coding and all."""
    report = reports[recording.name]
    exchanges = {exchange.id: exchange for exchange in report.exchanges}
    for chain in report.chains:
        outer = exchanges[chain.agent_exchange].response
        inner = [exchanges[name].response for name in chain.upstream_exchanges][-1:]
        if not inner or outer is None or inner[0] is None:
            continue
        if outer.complete and inner[0].complete:
            assert outer.body_bytes == inner[0].body_bytes, chain.id


@each
def test_each_call_is_joined_with_what_was_asked_for_it(
    recording: Recording, reports: dict[str, Report]
) -> None:
    if recording.is_partial:
        pytest.skip("packets were dropped from this capture")
    report = reports[recording.name]
    exchanges = {exchange.id: exchange for exchange in report.exchanges}
    tunnels = {
        call["m"]: place(call["tunnel"])
        for call in recording.truth["upstream_calls"]
        if call["tls"] and call["status"] is not None
    }
    wanted: dict[tuple[str, int], list[object]] = {}
    for call in recording.truth["agent_requests"]:
        if call["kind"] == "websocket-upgrade":
            continue
        used = [tunnels[number] for number in call["upstream_calls"] if number in tunnels]
        wanted.setdefault(place(call["client"]), []).append(used)
    told: dict[tuple[str, int], list[object]] = {}
    for chain in report.chains:
        asked = exchanges[chain.agent_exchange]
        inner = [exchanges[name] for name in chain.upstream_exchanges]
        told.setdefault((asked.client.ip, asked.client.port), []).append(
            [(each.client.ip, each.client.port) for each in inner]
        )
    for client, wants in wanted.items():
        assert told.get(client, [[]] * len(wants)) == wants


@each
def test_keys_in_the_file_itself_do_the_same(
    recording: Recording, reports: dict[str, Report], tmp_path: Path
) -> None:
    capture = next(recording.folder.glob("capture.*"))
    data = capture.read_bytes()
    if not data.startswith(b"\x0a\x0d\x0d\x0a"):
        pytest.skip("of pcap there are no such blocks")
    keys = (recording.folder / "keys.log").read_bytes()
    padded = keys + bytes(-len(keys) % 4)
    size = len(padded) + 20
    block = (
        b"".join(part.to_bytes(4, "little") for part in (10, size, 0x544C534B, len(keys)))
        + padded
        + size.to_bytes(4, "little")
    )
    first = int.from_bytes(data[4:8], "little")
    expected = [row(exchange) for exchange in inside(reports[recording.name])]
    for name, content in (("end", data + block), ("start", data[:first] + block + data[first:])):
        path = tmp_path / f"{name}.pcapng"
        path.write_bytes(content)
        report = inspect(path)
        assert [row(exchange) for exchange in inside(report)] == expected
        sources = {each.decryption.source for each in report.tunnels if each.decryption}
        assert sources <= {"embedded", "none"}


@each
@pytest.mark.parametrize("damage", ["wrong", "half", "one secret a session", "other"])
def test_with_a_wrong_key_log_nothing_wrong_is_read(
    recording: Recording, damage: str, tmp_path: Path
) -> None:
    lines = (recording.folder / "keys.log").read_text().splitlines()
    chance = random.Random(recording.name)
    match damage:
        case "wrong":
            lines = [f"{line[:-4]}{'0' * 4}" for line in lines]
        case "half":
            text = "\n".join(lines)
            lines = text[: len(text) // 2].splitlines()
        case "one secret a session":
            seen: set[str] = set()
            chance.shuffle(lines)
            lines = [
                line
                for line in lines
                if line.split(" ")[1:2]
                and not (line.split(" ")[1] in seen or seen.add(line.split(" ")[1]))  # type: ignore[func-returns-value]
            ]
        case "other":
            lines = [f"{line.split(' ')[0]} {'ab' * 32} {line.split(' ')[-1]}" for line in lines]
    path = tmp_path / "keys.log"
    path.write_text("\n".join(lines))
    report = read_with(recording, path)
    true = true_rows(recording)
    for exchange in inside(report):
        request, response = exchange.request, exchange.response
        if request is not None and request.complete and response is not None:
            assert row(exchange) in true
    if damage in ("wrong", "other"):
        assert not inside(report)
        states = {each.decryption.state for each in report.tunnels if each.decryption}
        assert states <= {"no-keys", "failed"}
