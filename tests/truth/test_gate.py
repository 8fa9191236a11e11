"""Captures that no gate may pass: each shows one way to go wrong that a gate once missed."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest

from inspector import inspect
from inspector.errors import ExitCode
from inspector.policy.judge import judge
from inspector.policy.reading import built_in
from tests.truth.beside import SHARED, needs

BROKEN = ExitCode.BROKEN
KEPT = ExitCode.DONE
NOT_PROVEN = ExitCode.NOT_PROVEN

CASES: Final = SHARED / "reviews" / "cases" / "contracts"
BREAK: Final = SHARED / "reviews" / "cases" / "break"
TODAY: Final = date(2026, 8, 3)

#: Name of the capture -> what the built-in policy says, and a finding it must have.
MUST_NOT_PASS: Final[tuple[tuple[str, int, str | None], ...]] = (
    ("f2", BROKEN, "proxy-not-configured"),
    ("f3", BROKEN, "call-failed"),
    ("f5", BROKEN, "call-failed"),
    ("f7", BROKEN, "call-failed"),
    ("f-openai-refused", BROKEN, "call-failed"),
    ("h1-502-after-tls", BROKEN, "call-failed"),
    ("h2-502-no-tunnel", BROKEN, "gateway-cannot-connect"),
    ("a-abs-real-key", BROKEN, "real-key-on-agent-hop"),
    ("b-direct-http-real-key", BROKEN, "real-key-on-agent-hop"),
    ("connect-evil-auth", BROKEN, "real-key-on-agent-hop"),
    ("c-connect-auth", BROKEN, "real-key-on-agent-hop"),
    ("abs-api", BROKEN, "api-proxy-bypassed"),
    ("connect-ip-sni-api", BROKEN, "api-proxy-bypassed"),
    ("d-connect-ip", BROKEN, "api-proxy-bypassed"),
    ("direct-http-api", BROKEN, "agent-bypasses-squid"),
    ("direct-tls-evil", BROKEN, "agent-bypasses-squid"),
    ("proxy-direct", BROKEN, "api-proxy-bypasses-squid"),
    ("two", NOT_PROVEN, None),
    ("pad", NOT_PROVEN, None),
    ("h-mid", NOT_PROVEN, None),
    ("i-custom-header", BROKEN, "real-key-on-agent-hop"),
)


#: Captures of a real key, of a bypass, or of one side, with something that hid it once.
EVADING: Final = ("evade-*.pcap", "connect-nested-*.pcap", "bypass-nested-*.pcap", "oneway-*.pcap")


@needs("reviews/cases/break")
@pytest.mark.parametrize("pattern", EVADING)
def test_nothing_that_hides_a_part_is_kept(pattern: str) -> None:
    found = sorted(BREAK.glob(pattern))
    assert found
    assert [
        path.name
        for path in found
        if judge(inspect(path), built_in("awf"), TODAY).exit_code == KEPT
    ] == []


@needs("reviews/cases/contracts")
@pytest.mark.parametrize(("name", "code", "finding"), MUST_NOT_PASS)
def test_no_gate_passes_it(name: str, code: int, finding: str | None) -> None:
    report = inspect(CASES / f"{name}.pcap")
    assert judge(report, built_in("awf"), TODAY).exit_code == code
    if finding is not None:
        assert finding in {item.code for item in report.findings if item.severity != "note"}
