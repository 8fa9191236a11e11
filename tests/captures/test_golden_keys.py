"""With their keys the recorded tunnels say what the upstream's log says; nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from inspector import Options, inspect
from inspector.model.report import Report
from inspector.model.topology import Client
from tests.captures.test_golden import FOLDERS, report_of, truth_of

#: Every one of them is played by `make test-real`, each fourth one always.
WITH_KEYS: Final = [folder for folder in FOLDERS if (folder / "keys.log").exists()]
EACH: Final = [
    pytest.param(folder, id=folder.name, marks=[pytest.mark.long] * bool(number % 4))
    for number, folder in enumerate(WITH_KEYS)
]
#: What a run with keys may find besides, and no more: keys that went where only keys show them, and
#: that there was no call, where one went past the API proxy inside TLS.
MORE: Final = {"real-key-on-agent-hop", "no-api-call"}
VERDICTS: Final = {"confirmed": True, "refuted": False}


def read_with_keys(folder: Path) -> Report:
    return inspect(folder, options=Options(key_logs=(folder / "keys.log",)))


def asked(client: Client) -> tuple[object, ...]:
    """A row of clients without its fingerprints, which each run makes anew."""
    return client.ip, client.user_agent, client.service, client.requests, *client.statuses.items()


@pytest.mark.parametrize("folder", EACH)
def test_keys_decide_and_change_nothing_else(folder: Path) -> None:
    plain, told = report_of(folder), read_with_keys(folder)
    expected = truth_of(folder)["expect"]
    for before, after in zip(plain.hypotheses, told.hypotheses, strict=True):
        true = expected[after.id]
        found = VERDICTS.get(after.verdict)
        assert found is None or true is None or found is true, after
        assert before.verdict == "not observable" or before.verdict == after.verdict
    assert (told.root_cause and told.root_cause.code) == (
        plain.root_cause and plain.root_cause.code
    )
    assert {f.code for f in told.findings} - MORE == {f.code for f in plain.findings} - MORE
    assert told.completeness == plain.completeness
    assert [c.tunnel for c in told.chains] == [c.tunnel for c in plain.chains]
    assert {asked(client) for client in plain.clients} <= {asked(client) for client in told.clients}
    ours = [e for e in told.exchanges if not e.decrypted]
    assert len(ours) == len(plain.exchanges)


@pytest.mark.parametrize("folder", EACH)
def test_inside_is_what_the_upstream_took(folder: Path) -> None:
    told = read_with_keys(folder)
    proxies = told.topology.api_proxy
    inner = [
        (exchange.request.method, exchange.request.target, exchange.response.status)
        for exchange in told.exchanges
        if exchange.decrypted and exchange.client.ip in proxies
        if exchange.request is not None and exchange.response is not None
    ]
    true = [
        (call["method"], call["path"], call["status"])
        for call in truth_of(folder)["upstream_calls"]
        if call["status"] is not None and call["tls"]
    ]
    lacking = [call for call in true if call not in inner]
    assert not lacking or told.completeness.verdict != "complete"
    assert sorted(inner) == sorted(true) or lacking or folder.name == "websocket-key-newline"
