"""What a report rules out contradicts nothing else that it says, over all golden captures."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from inspector import Report, inspect
from inspector.model.conclusions import RELIABLE
from tests.diagnosis.matrix import GOLDEN

FOLDERS = sorted(path.parent for path in GOLDEN.glob("*/truth.json"))


@cache
def report_of(folder: Path) -> Report:
    return inspect(folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_sentence_is_so_by_the_facts(folder: Path) -> None:
    report = report_of(folder)
    cause = report.root_cause
    if cause is None:
        return
    for other in cause.ruled_out:
        assert is_so(report, other.because), (other.what, other.because)
        assert other.what != cause.code


def is_so(report: Report, because: str) -> bool:
    """Whether the facts say the same; a sentence that is not known here is a mistake."""
    cause = report.root_cause
    assert cause is not None
    first = cause.evidence[0]
    call = next((each for each in report.exchanges if each.id == first.exchange), None)
    chains = [chain for chain in report.chains if chain.agent_exchange == first.exchange]
    tunnels = {str(tunnel.id): tunnel for tunnel in report.tunnels}
    if match := re.fullmatch(r"Squid answered (t\d+) with 200", because):
        return tunnels[match[1]].connect_status == 200
    if match := re.fullmatch(r"the handshake in (t\d+) is complete", because):
        tls = tunnels[match[1]].tls
        return tls is not None and tls.handshake == "complete"
    if match := re.fullmatch(r"Squid answered in (t\d+) before any TLS of the API's", because):
        return tunnels[match[1]].inner is not None
    if match := re.fullmatch(r"its log has a second line of (t\d+)", because):
        told = report.witnesses.joined if report.witnesses is not None else ()
        return sum(line.tunnel == match[1] for line in told) >= 2
    if because in ("no CONNECT was made for it", "no tunnel was opened for it"):
        return not any(chain.tunnel or chain.attempts for chain in chains)
    if because == "no tunnel was established for it":
        used = [name for chain in chains for name in (*chain.attempts, chain.tunnel) if name]
        return not any(tunnels[name].established for name in used)
    if because == "it took or opened connections afterwards":
        proxies = set(report.topology.api_proxy)
        begun = min(each.opened_at for each in report.connections)
        return any(
            {each.client.ip, each.server.ip} & proxies and each.opened_at > begun
            for each in report.connections
        )
    if because == "the API proxy never saw the call":
        return not report.exchanges or all(
            each.server.ip not in report.topology.api_proxy for each in report.exchanges
        )
    assert call is not None
    response = call.response
    if because in ("no response byte came", "there was no stream"):
        return response is None
    if because == "it answered":
        return response is not None
    if because == "the answer arrived whole":
        return response is not None and response.complete
    if match := re.fullmatch(r"the API answered (\d+)", because):
        return response is not None and response.status == int(match[1])
    if match := re.fullmatch(r"the answer is the (api-proxy|forward-proxy)'s own", because):
        by = {chain.answered_by for chain in chains if chain.confidence >= RELIABLE}
        return by <= {match[1]}
    return False
