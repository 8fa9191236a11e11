"""Exchanges are read once: by the chains, the case and the rules together."""

from __future__ import annotations

import io

import pytest

from inspector import inspect, packed
from inspector.diagnosis import Case, OneWalk, diagnose
from inspector.diagnosis.rules import OF_EXCHANGES
from inspector.inspection import Inspector
from inspector.options import Options
from inspector.report.formats.json import write_json
from tests.diagnosis.calls import API_SAYS, CALL, WELL, case_of
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import Network, response, say
from tests.flows.build import batch

#: Of each kind of rule that is asked of exchanges one that finds something.
NAMES = (
    "agent-holds-real-key",
    "agent-bypasses-proxy",
    "denied-side-traffic",
    "key-control-character",
    "through-squid-absolute",
    "upgrade-refused",
)

#: Of each subject of such rules one that has it.
SUBJECTS = (
    "client-leaves-after-done",
    "h3-proxy-buffers",
    "lost-packets",
    "origin-form-at-squid",
)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_found_on_the_way_is_what_a_walk_of_its_own_finds(name: str) -> None:
    told = inspect(GOLDEN / name)

    alone = diagnose(case_of(told))

    assert alone.findings == told.findings
    assert alone.hypotheses == told.hypotheses
    assert alone.root_cause == told.root_cause


@pytest.mark.parametrize("name", [*NAMES, *SUBJECTS])
def test_a_rule_is_true_of_no_exchange_that_it_is_not_asked_of(name: str) -> None:
    told = inspect(GOLDEN / name)
    case = Case(
        exchanges=told.exchanges,
        tunnels=told.tunnels,
        connections=told.connections,
        direct_tls=told.direct_tls,
        topology=told.topology,
    )
    walk = OneWalk(case)
    for exchange in told.exchanges:
        asked = dict(walk._asked(exchange))
        for rule in OF_EXCHANGES:
            if rule.code not in asked:
                assert rule.match(exchange, case) is None


def test_a_packed_exchange_is_unpacked_for_its_record_its_reading_and_its_writing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0
    unpack = packed.unpack

    def counted(block: bytes) -> object:
        nonlocal looks
        looks += 1
        return unpack(block)

    monkeypatch.setattr(packed, "unpack", counted)
    monkeypatch.setattr(packed, "_KEPT", 1)
    net = Network()
    tcp = net.to_api_proxy()
    for _ in range((packed.LOOSE + 2) * packed.BLOCK):
        say(tcp, CALL, response("200 OK", *API_SAYS, body=WELL))
    tcp.close()
    reader = Inspector(Options(scope="all"))
    reader.feed(batch(net.wire.packets))
    told = reader.finish()
    assert len(told.exchanges) == (packed.LOOSE + 2) * packed.BLOCK

    write_json(told, io.BytesIO())

    assert looks == 3 * 2
