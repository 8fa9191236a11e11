"""anthropic-beta-retired: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from inspector import inspect
from inspector.model.report import Report
from tests.diagnosis.calls import API_SAYS, KEY, found, golden
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import ESTABLISHED, Network, connect, play, request, response, say, tls
from tests.flows.build import MILLISECOND


def test_a_400_that_names_the_beta_header_is_told() -> None:
    assert "anthropic-beta-retired" in found(golden("retired-beta-refused"))


def test_another_4xx_is_not() -> None:
    assert "anthropic-beta-retired" not in found(golden("upstream-413"))


def retried(beta: str, without: str) -> Report:
    """A call with a beta header that was sent twice, the second time as long as without it."""
    net = Network()
    with_beta = request("POST /v1/messages HTTP/1.1", KEY, *([beta] if beta else []))
    second = request("POST /v1/messages HTTP/1.1", KEY, *([without] if without else []))
    tcp = net.to_api_proxy()
    tcp.step = 0  # the answer follows its tunnel's end at once, as on a bridge
    tcp.up(with_beta).ack(False)
    for sealed in (with_beta, second):
        tunnel = net.to_squid()
        tunnel.step = MILLISECOND
        play(say(tunnel, connect(), ESTABLISHED), tls())
        # One more record of application data, as long as what it seals.
        record = b"\x17\x03\x03" + len(sealed).to_bytes(2, "big") + b"s" * len(sealed)
        say(tunnel, record, b"\x17\x03\x03\x00\x20" + b"s" * 32).close()
    tcp.down(response("200 OK", *API_SAYS)).ack(True)
    tcp.close()
    return net.report()


@pytest.mark.parametrize(
    ("beta", "without"),
    [
        ("anthropic-beta: old-2024-01-01", ""),
        ("anthropic-beta: old-2024-01-01,new-2026-01", "anthropic-beta: new-2026-01"),
        ("anthropic-beta: new-2026-01, old-2024-01-01", "anthropic-beta: new-2026-01"),
    ],
    ids=["the-header", "the-first-value", "the-last-value"],
)
def test_a_second_try_that_is_shorter_by_a_beta_shows_that_it_is_retired(
    beta: str, without: str
) -> None:
    report = retried(beta, without)

    assert report.chains[0].attempts == ("t1",)
    assert found(report)["anthropic-beta-retired"].severity == "note"
    assert report.root_cause is None


@pytest.mark.parametrize(
    ("beta", "without"),
    [
        ("anthropic-beta: new-2026-01", "anthropic-beta: new-2026-01"),
        ("anthropic-beta: new-2026-01", "x: shorter by something else"),
        ("", ""),
    ],
    ids=["as-long", "of-another-length", "no-beta"],
)
def test_any_other_second_try_shows_nothing_about_a_beta(beta: str, without: str) -> None:
    report = retried(beta, without)

    assert report.chains[0].attempts == ("t1",)
    assert "anthropic-beta-retired" not in found(report)


def test_the_lab_shows_a_silent_second_try() -> None:
    assert "anthropic-beta-retired" in found(inspect(GOLDEN / "retired-beta-retried"))
