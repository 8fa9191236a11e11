"""Claims of who held a connection's end: kept, joined, read back from comments."""

from __future__ import annotations

import json

import pytest

from inspector.exchanges.processes import (
    PREFIX,
    RECENT,
    SLACK_NS,
    WAITING,
    Processes,
    SocketOwner,
    comment,
    parse,
)
from inspector.model.network import Endpoint, Process

CLIENT, SERVER = Endpoint("172.30.0.20", 41234), Endpoint("172.30.0.30", 10001)
CURL = Process(pid=42, comm="curl", exe="/usr/bin/curl", container="awf-agent", netns=4026532)
NODE = Process(pid=7, comm="node")
NOON = 1_764_072_000_000_000_000


def claim(end: str = "client", process: Process = CURL, at: int = NOON) -> SocketOwner:
    assert end in ("client", "server")
    return SocketOwner(CLIENT, SERVER, "client" if end == "client" else "server", at, process)


def processes(*claims: SocketOwner) -> Processes:
    found = Processes(lambda text: text.replace("made-up-key", "<key>"))
    for each in claims:
        found.add(each)
    return found


def test_each_end_has_its_process() -> None:
    found = processes(claim(), claim("server", NODE))
    assert found.of(CLIENT, SERVER, NOON, NOON) == (CURL, NODE)


def test_an_end_that_two_processes_claim_is_nobodys() -> None:
    found = processes(claim(), claim(process=NODE), claim("server", NODE))
    assert found.of(CLIENT, SERVER, NOON, NOON) == (None, NODE)


def test_the_same_claim_twice_is_one() -> None:
    assert processes(claim(), claim()).of(CLIENT, SERVER, NOON, NOON) == (CURL, None)


def test_a_pair_of_ports_used_again_has_the_process_of_each_time() -> None:
    later = NOON + 60 * SLACK_NS
    found = processes(claim(), claim(process=NODE, at=later))
    assert found.of(CLIENT, SERVER, NOON, NOON + SLACK_NS)[0] == CURL
    assert found.of(CLIENT, SERVER, later, later)[0] == NODE


def test_who_called_is_known_while_it_is_open_and_just_after() -> None:
    found = processes(claim())
    assert found.known(CLIENT, SERVER) == CURL
    found.of(CLIENT, SERVER, NOON, NOON)
    assert found.known(CLIENT, SERVER) == CURL
    for number in range(RECENT):
        other = Endpoint("10.0.0.1", number)
        found.add(SocketOwner(other, SERVER, "client", NOON, NODE))
        found.of(other, SERVER, NOON, NOON)
    assert found.known(CLIENT, SERVER) is None


def test_a_clock_that_was_set_back_while_it_was_open_costs_a_connection_no_process() -> None:
    found = processes(claim(), claim("server", NODE))
    assert found.of(CLIENT, SERVER, NOON, NOON - 3600 * SLACK_NS) == (CURL, NODE)


def test_a_claim_from_another_time_is_of_another_connection() -> None:
    assert processes(claim()).of(CLIENT, SERVER, NOON + 5 * SLACK_NS, NOON + 9 * SLACK_NS) == (
        None,
        None,
    )


def test_claims_of_connections_that_never_come_do_not_pile_up() -> None:
    found = processes(claim())
    for number in range(WAITING):
        found.add(SocketOwner(Endpoint("10.0.0.1", number), SERVER, "client", NOON, NODE))
    assert found.of(CLIENT, SERVER, NOON, NOON) == (None, None)


def test_a_key_in_a_name_is_hidden() -> None:
    process = Process(
        pid=1, comm="made-up-key", exe="/made-up-key", container="made-up-key", container_id="x"
    )
    held, _ = processes(claim(process=process)).of(CLIENT, SERVER, NOON, NOON)
    assert held == Process(1, "<key>", "/<key>", "<key>", "x")


@pytest.mark.parametrize("process", [CURL, NODE])
def test_a_comment_says_the_claim(process: Process) -> None:
    for end in ("client", "server"):
        assert parse(comment(claim(end, process))) == claim(end, process)


def test_addresses_of_ipv6_survive_a_comment() -> None:
    ipv6 = SocketOwner(Endpoint("fd00::20", 1), Endpoint("fd00::30", 10001), "client", NOON, CURL)
    assert parse(comment(ipv6)) == ipv6


WHOLE = json.loads(comment(claim())[len(PREFIX) :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a comment by a person",
        PREFIX,
        PREFIX + "[]",
        PREFIX + "[" * 3000,
        PREFIX + "{",
        PREFIX + json.dumps(WHOLE) + " " * 5000,
        *(
            PREFIX + json.dumps({**WHOLE, name: value})
            for name, value in [
                ("end", "both"),
                ("end", ["client"]),
                ("client", "172.30.0.20"),
                ("client", 7),
                ("server", "x:123456"),
                ("at", "now"),
                ("at", 1 << 70),
                ("at", True),
                ("pid", -1),
                ("pid", 1.5),
                ("comm", None),
            ]
        ),
    ],
)
def test_what_is_no_claim_is_passed_over(text: str) -> None:
    assert parse(text) is None


def test_what_is_wrong_in_the_rest_is_left_out() -> None:
    odd = {**WHOLE, "exe": 5, "container": ["x"], "netns": "no", "unknown": 1}
    found = parse(PREFIX + json.dumps(odd))
    assert found
    assert found.process == Process(pid=42, comm="curl")


def test_a_very_long_name_is_cut() -> None:
    found = parse(PREFIX + json.dumps({**WHOLE, "comm": "c" * 2000}))
    assert found
    assert len(found.process.comm) == 1024
