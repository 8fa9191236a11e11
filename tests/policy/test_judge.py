from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from inspector.errors import ExitCode
from inspector.model.capture import Unread
from inspector.model.http import Exchange
from inspector.model.ids import ConnectionId
from inspector.model.report import Report
from inspector.policy.judge import Judgement, judge
from inspector.policy.model import Auth, Expect, Ignore, Policy, Tunnels
from inspector.policy.page import page
from inspector.policy.reading import built_in
from inspector.policy.result import plain
from inspector.report.formats.whole import as_dict, from_dict
from inspector.report.page.view import View

BROKEN = ExitCode.BROKEN
KEPT = ExitCode.DONE
NOT_PROVEN = ExitCode.NOT_PROVEN

DOCS = Path(__file__).parent.parent.parent / "docs"
TODAY = date(2026, 8, 3)


@pytest.fixture
def whole(report: Report) -> Report:
    """The example as if its capture lacked nothing, and without conclusions that fail it."""
    complete = replace(report.completeness, verdict="complete", because=(), gaps=())
    return replace(report, completeness=complete, findings=(), root_cause=None)


@pytest.fixture
def lacking(whole: Report, report: Report) -> Report:
    return replace(whole, completeness=report.completeness)


def _judged(report: Report, expect: Expect) -> Judgement:
    return judge(report, Policy("p", None, (expect,)), TODAY)


def _broken(report: Report, expect: Expect) -> list[tuple[str, tuple[str, ...]]]:
    return [(remark.found, remark.where) for remark in _judged(report, expect).broken]


def _with_call(report: Report, **changes: object) -> Report:
    """The example with its first call changed, and no other."""
    call: Exchange = replace(report.exchanges[0], **changes)  # type: ignore[arg-type]
    return replace(report, exchanges=(call,))


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        ("error", {"upstream-rejected-credential", "real-key-on-agent-hop"}),
        (
            "warning",
            {"upstream-rejected-credential", "real-key-on-agent-hop", "side-traffic-denied"},
        ),
    ],
)
def test_a_finding_of_the_level_or_above_breaks_a_policy(
    report: Report, level: str, codes: set[str]
) -> None:
    judgement = judge(report, Policy("p", level), TODAY)  # type: ignore[arg-type]
    assert {finding.code for finding in judgement.findings} == codes
    assert judgement.exit_code == BROKEN


def test_a_whole_capture_without_findings_keeps_it(whole: Report) -> None:
    assert judge(whole, Policy("p", "note"), TODAY).exit_code == KEPT


@pytest.mark.parametrize("verdict", ["incomplete", "unknown"])
def test_a_capture_that_lacks_something_proves_no_absence_of_findings(
    whole: Report, verdict: str
) -> None:
    completeness = replace(whole.completeness, verdict=verdict, because=("made up",))  # type: ignore[arg-type]
    judgement = judge(replace(whole, completeness=completeness), Policy("p", "error"), TODAY)
    assert judgement.exit_code == NOT_PROVEN
    assert judgement.doubts[0].found == f"the capture is {verdict}; made up"


def test_an_ignored_finding_is_passed_over_and_said(report: Report) -> None:
    ignore = Ignore("real-key-on-agent-hop", "known", TODAY)
    judgement = judge(report, Policy("p", "error", ignore=(ignore,)), TODAY)
    assert [finding.code for finding in judgement.findings] == ["upstream-rejected-credential"]
    assert judgement.ignored == (ignore,)


def test_an_expired_ignore_no_longer_ignores_and_is_said(report: Report) -> None:
    ignore = Ignore("real-key-on-agent-hop", "known", date(2026, 8, 2))
    judgement = judge(report, Policy("p", "error", ignore=(ignore,)), TODAY)
    assert "real-key-on-agent-hop" in {finding.code for finding in judgement.findings}
    assert judgement.expired == (ignore,)
    assert "expired     real-key-on-agent-hop" in page(judgement, report, width=100)


def test_a_credential_in_another_header_breaks_what_auth_expects(whole: Report) -> None:
    expect = Expect("anthropic", auth=Auth(("x-api-key",)))
    assert _broken(whole, expect) == [("a credential in Authorization", ("e1", "e5"))]
    assert _broken(whole, Expect("anthropic", auth=Auth(("X-API-Key", "authorization")))) == []


def test_a_call_without_any_credential_breaks_it_too(whole: Report) -> None:
    request = whole.exchanges[0].request
    assert request is not None
    bare = _with_call(whole, request=replace(request, auth=()))
    assert _broken(bare, Expect(auth=Auth(("x-api-key",)))) == [("no credential", ("e1",))]


def test_the_absence_of_a_header_needs_the_whole_request(whole: Report) -> None:
    request = whole.exchanges[0].request
    assert request is not None
    cut = _with_call(whole, request=replace(request, auth=(), complete=False))
    judgement = _judged(cut, Expect(auth=Auth(("x-api-key",))))
    assert judgement.broken == ()
    assert judgement.exit_code == NOT_PROVEN


def test_a_real_key_breaks_placeholder_only(whole: Report) -> None:
    expect = Expect("anthropic", placeholder_only=True)
    assert _broken(whole, expect) == [("another credential", ("e3",))]
    assert _broken(whole, Expect("openai", placeholder_only=True)) == []


def test_an_unexpected_status_breaks_it_by_code_and_by_class(whole: Report) -> None:
    assert _broken(whole, Expect("openai", statuses=("2xx",))) == []
    assert _broken(whole, Expect("openai", statuses=("200",))) == []
    found = _broken(whole, Expect("anthropic", statuses=("2xx",)))
    assert found == [("status 401", ("e1", "e3"))]


def test_a_call_without_answer_breaks_it_unless_the_capture_ends_there(whole: Report) -> None:
    expect = Expect(statuses=("2xx",))
    dead = _with_call(whole, response=None, ended_by="server")
    assert _broken(dead, expect) == [("no answer", ("e1",))]
    cut = _with_call(whole, response=None, ended_by="capture-end")
    assert _judged(cut, expect).exit_code == NOT_PROVEN


def test_too_few_calls_break_it_or_are_not_proven(whole: Report, lacking: Report) -> None:
    assert _judged(whole, Expect("openai", min_calls=1)).exit_code == KEPT
    assert _judged(whole, Expect("openai", min_calls=2)).exit_code == BROKEN
    assert _judged(lacking, Expect("openai", min_calls=2)).exit_code == NOT_PROVEN


def test_tunnels_to_other_places_break_it(whole: Report) -> None:
    allowed = ("API.anthropic.com:443", "api.openai.com:443", "172.30.0.30:10001")
    found = _broken(whole, Expect(tunnels=Tunnels(authorities=allowed)))
    assert found == [("a CONNECT to telemetry.example.com:443", ("t3",))]


def test_of_one_provider_the_tunnels_of_its_calls_are_looked_at(whole: Report) -> None:
    expect = Expect("openai", tunnels=Tunnels(authorities=("api.anthropic.com:443",)))
    assert _broken(whole, expect) == [("a CONNECT to api.openai.com:443", ("t2",))]


def test_an_open_tunnel_without_a_handshake_breaks_it_or_is_not_proven(
    whole: Report, lacking: Report
) -> None:
    expect = Expect(tunnels=Tunnels(tls="complete"))
    assert _judged(whole, expect).exit_code == KEPT, "plaintext HTTP and a refusal have none"
    tls = whole.tunnels[0].tls
    assert tls is not None
    tunnel = replace(whole.tunnels[0], tls=replace(tls, handshake="incomplete"))
    assert _broken(replace(whole, tunnels=(tunnel,)), expect)[0][1] == ("t1",)
    assert _judged(replace(lacking, tunnels=(tunnel,)), expect).exit_code == NOT_PROVEN
    failed = replace(tunnel, tls=replace(tls, handshake="failed"))
    assert _judged(replace(lacking, tunnels=(failed,)), expect).exit_code == BROKEN


def test_an_agents_own_way_to_an_api_breaks_direct_connect_never(
    whole: Report, lacking: Report
) -> None:
    expect = Expect("anthropic", direct_connect="never")
    assert _judged(whole, expect).exit_code == KEPT
    assert _judged(lacking, expect).exit_code == NOT_PROVEN
    own = replace(whole.tunnels[0], client=whole.tunnels[2].client)
    assert _broken(replace(whole, tunnels=(own,)), expect) == [
        ("a CONNECT of the agent's own", ("t1",))
    ]
    tls = replace(whole.direct_tls[0].tls, sni="api.anthropic.com")
    around = replace(whole, direct_tls=(replace(whole.direct_tls[0], tls=tls),))
    assert _broken(around, expect) == [("TLS around the proxies", ("d1",))]
    assert _broken(around, Expect("openai", direct_connect="never")) == []


def test_a_judgement_is_told_to_people_and_to_programs(report: Report) -> None:
    judgement = judge(report, built_in("awf"), TODAY)
    text = page(judgement, report, width=160)
    assert text.startswith("policy awf: BROKEN\n")
    assert "expected placeholders only; found another credential (e3)" in text
    told = plain(judgement)
    assert (told["verdict"], told["exit_code"], told["fail_on"]) == ("broken", 3, "warning")
    assert {entry["code"] for entry in told["findings"]} >= {"real-key-on-agent-hop"}


def test_captured_text_cannot_act_on_the_terminal(whole: Report) -> None:
    tunnel = replace(whole.tunnels[0], authority="\x1b[2J\n::error::x ##[stop]")
    judged = _judged(
        replace(whole, tunnels=(tunnel,)), Expect(tunnels=Tunnels(authorities=("a:1",)))
    )
    text = page(judged, whole)
    assert "\x1b" not in text
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


# -- what was not read ----------------------------------------------------------------


def _unread(report: Report, *entries: Unread) -> Report:
    held = replace(report.completeness, verdict="incomplete", because=("made up",), unread=entries)
    return replace(report, completeness=held)


@pytest.fixture
def calm(whole: Report) -> Report:
    """One call with a placeholder that went well, and no tunnel."""
    call = next(e for e in whole.exchanges if e.provider == "openai")
    return replace(whole, exchanges=(call,), tunnels=(), chains=())


@pytest.mark.parametrize(
    "expect",
    [
        Expect(placeholder_only=True),
        Expect(auth=Auth(("Authorization",))),
        Expect(statuses=("2xx",)),
        Expect(tunnels=Tunnels(authorities=("api.openai.com:443",))),
        Expect(tunnels=Tunnels(tls="complete")),
    ],
    ids=["placeholders", "auth", "statuses", "authorities", "tls"],
)
def test_only_and_nothing_but_are_not_proven_where_something_they_are_about_was_not_read(
    calm: Report, expect: Expect
) -> None:
    about_tunnels = expect.tunnels is not None
    view = View(calm)

    def of(role: str, server: str) -> ConnectionId:
        return next(
            c.id
            for c in calm.connections
            if (view.role(c.client.ip), view.role(c.server.ip)) == (role, server)
        )

    agents, proxys = of("agent", "api-proxy"), of("api-proxy", "forward-proxy")
    concerned, other = (proxys, agents) if about_tunnels else (agents, proxys)

    assert _judged(calm, expect).exit_code == KEPT
    limit = _judged(_unread(calm, Unread(concerned, "limit", 1)), expect)
    assert limit.exit_code == NOT_PROVEN
    assert limit.doubts[0].found == "1 connection not read whole (limit)"
    assert limit.doubts[0].where == (concerned,)
    assert _judged(_unread(calm, Unread(other, "limit", 1)), expect).exit_code == KEPT
    assert _judged(_unread(calm, Unread(None, "dropped", None)), expect).exit_code == NOT_PROVEN
    assert _judged(_unread(calm), expect).exit_code == NOT_PROVEN, "an earlier version lists none"


def test_what_was_not_read_of_another_providers_port_proves_nothing_against_one(
    calm: Report,
) -> None:
    other = next(c.id for c in calm.connections if c.server.port == 10001)
    unread = _unread(calm, Unread(other, "conflict", 1))
    assert _judged(unread, Expect("openai", statuses=("2xx",))).exit_code == KEPT
    assert _judged(unread, Expect("anthropic", statuses=("2xx",))).exit_code == NOT_PROVEN


def test_a_tunnel_whose_opening_nobody_saw_has_no_proven_handshake(whole: Report) -> None:
    tunnel = replace(whole.tunnels[0], established=None, connect_status=None, tls=None)
    unseen = replace(whole, tunnels=(replace(tunnel, protocol="unknown"),))
    judgement = _judged(unseen, Expect(tunnels=Tunnels(tls="complete")))
    assert judgement.exit_code == NOT_PROVEN
    assert judgement.doubts[0].where == (tunnel.id,)


def test_a_connect_that_nobody_answered_opened_nothing_where_the_capture_is_whole(
    whole: Report, lacking: Report
) -> None:
    def code(report: Report) -> int:
        tunnel = replace(
            report.tunnels[0],
            established=None,
            connect_status=None,
            tls=None,
            protocol="none",
            bytes_up=0,
            bytes_down=0,
        )
        expect = Expect(tunnels=Tunnels(tls="complete"))
        return _judged(replace(report, tunnels=(tunnel,)), expect).exit_code

    assert code(whole) == KEPT
    assert code(lacking) == NOT_PROVEN


@pytest.mark.parametrize("section", ["chains", "hypotheses", "findings", "root_cause"])
def test_a_report_without_a_section_of_conclusions_was_not_judged(
    whole: Report, section: str
) -> None:
    plain = as_dict(whole)
    del plain[section]
    judgement = judge(from_dict(plain), Policy("p", "error"), TODAY)
    assert judgement.exit_code == NOT_PROVEN
    assert (
        "chains, hypotheses, findings or root_cause are missing in it" in judgement.doubts[0].found
    )
    assert judge(from_dict(as_dict(whole)), Policy("p", "error"), TODAY).exit_code == KEPT


def test_a_run_without_a_call_is_not_kept_without_saying_so(whole: Report) -> None:
    nothing = replace(whole, exchanges=(), tunnels=(), chains=(), direct_tls=(), connections=())
    judgement = judge(nothing, built_in("awf"), TODAY)
    assert judgement.exit_code == KEPT
    first = page(judgement, nothing, width=100).splitlines()[0]
    assert first == "policy awf: KEPT   nothing was judged: no call to an API is in the capture"
    told = plain(judgement)
    assert (told["calls"], told["nothing_judged"]) == (0, first.partition("   ")[2])


def test_a_run_that_breaks_a_policy_without_a_call_was_judged(whole: Report) -> None:
    nothing = replace(whole, exchanges=(), chains=())
    judgement = _judged(nothing, Expect(min_calls=1))
    assert (judgement.exit_code, judgement.calls) == (BROKEN, 0)
    assert "nothing was judged" not in page(judgement, nothing, width=100)


def test_a_run_with_a_call_says_nothing_of_it(calm: Report) -> None:
    judgement = judge(calm, Policy("p", None), TODAY)
    assert page(judgement, calm, width=100).strip() == "policy p: KEPT"
    assert (plain(judgement)["calls"], plain(judgement)["nothing_judged"]) == (1, None)


def test_every_field_of_the_json_is_in_the_documentation(whole: Report) -> None:
    documented = (DOCS / "policy.md").read_text(encoding="utf-8")
    told = plain(judge(whole, built_in("awf"), TODAY))
    assert all(f"`{name}`" in documented for name in told)
