from __future__ import annotations

from dataclasses import replace

from inspector.model.report import Report
from inspector.model.topology import Client
from inspector.report.compare import Comparison, Side, compare, page, plain

from .hostile import spoiled


def _compared(a: Report, b: Report) -> Comparison:
    return compare(Side("before", a), Side("after", b))


def _rows(comparison: Comparison) -> set[tuple[str, str, str | None, str | None]]:
    return {(d.of, d.aspect, d.a, d.b) for d in comparison.differences}


def _claude(report: Report) -> Client:
    return report.clients[0]


def test_a_report_does_not_differ_from_itself(report: Report) -> None:
    comparison = _compared(report, report)
    assert comparison.differences == ()
    assert comparison.alike > 20
    assert f"No difference: {comparison.alike} aspects alike." in page(comparison)


def test_the_cause_verdicts_and_findings_of_two_runs_are_compared(report: Report) -> None:
    fixed = replace(
        report,
        root_cause=None,
        findings=report.findings[1:],
        hypotheses=(*report.hypotheses[:4], replace(report.hypotheses[4], verdict="refuted")),
    )
    assert _rows(_compared(report, fixed)) == {
        ("cause", "root cause", "upstream-rejected-credential", "none"),
        ("cause", "explains", "2 of 2", None),
        ("hypotheses", "H4b", "confirmed", "refuted"),
        ("findings", "upstream-rejected-credential", "error x2", None),
    }


def test_the_same_kind_of_credential_with_another_value_differs(report: Report) -> None:
    undici = report.clients[2]
    (header,) = undici.auth_headers
    other = replace(header, credential=replace(header.credential, fingerprint="0123456789ab"))
    changed = replace(report, clients=(replace(undici, auth_headers=(other,)),))
    rows = _rows(_compared(replace(report, clients=(undici,)), changed))
    ((of, aspect, a, b),) = rows
    assert (of, aspect) == ("undici -> anthropic", "value of x-api-key")
    assert a is not None
    assert b is not None
    assert "e41a6b0d93c7" in a
    assert "0123456789ab" in b


def test_another_version_of_a_client_is_the_same_client(report: Report) -> None:
    newer = replace(_claude(report), user_agent="claude-cli/9.9.9 (external, cli)")
    rows = _rows(_compared(report, replace(report, clients=(newer, *report.clients[1:]))))
    assert (
        "claude-cli -> anthropic",
        "user agent",
        "claude-cli/2.1.88 (external, cli)",
        "claude-cli/9.9.9 (external, cli)",
    ) in rows


def test_a_client_of_one_run_alone_is_told_aspect_by_aspect(report: Report) -> None:
    comparison = _compared(report, replace(report, clients=report.clients[:2]))
    assert {d.of for d in comparison.differences} == {"undici -> anthropic"}
    assert {d.b for d in comparison.differences} == {None}


def test_auth_headers_and_answers_of_a_client_are_compared(report: Report) -> None:
    client = _claude(report)
    fixed = replace(client, auth_headers=client.auth_headers[:1], statuses={"200": 2})
    rows = _rows(_compared(report, replace(report, clients=(fixed, *report.clients[1:]))))
    of = "claude-cli -> anthropic"
    assert (of, "auth headers", "Authorization Bearer\nx-api-key", "x-api-key") in rows
    assert (of, "answers", "1 got 401, 1 got none that was captured", "2 got 200") in rows


def test_tunnels_are_compared_by_opener_authority_and_outcome(report: Report) -> None:
    fewer = replace(report, tunnels=report.tunnels[:4], chains=report.chains[:2])
    assert (
        "tunnels",
        "api-proxy to api.anthropic.com:443",
        "200, TLS complete x2",
        "200, TLS complete x1",
    ) in _rows(_compared(report, fewer))


def test_two_clients_of_one_run_are_compared_with_each_other_alone(report: Report) -> None:
    comparison = compare(Side("x", report, "claude"), Side("x", report, "UNDICI"))
    assert {d.of for d in comparison.differences} == {"the clients -> anthropic"}
    rows = _rows(comparison)
    assert (
        "the clients -> anthropic",
        "asked",
        "POST /v1/messages?beta=true",
        "GET /v1/models",
    ) in rows
    assert ("the clients -> anthropic", "header anthropic-beta", "sent", None) in rows
    text = page(comparison, width=120)
    assert text.startswith("A  x, client claude\nB  x, client UNDICI\n")
    assert "anthropic-beta" in text


def test_json_has_every_difference(report: Report) -> None:
    comparison = _compared(report, replace(report, findings=()))
    told = plain(comparison)
    assert (told["a"], told["b"]) == ("before", "after")
    assert len(told["differences"]) == len(comparison.differences) == 4
    assert told["differences"][0] == {
        "of": "findings",
        "aspect": "upstream-rejected-credential",
        "a": "error x2",
        "b": None,
    }


def test_captured_text_cannot_act_on_the_terminal(report: Report) -> None:
    hostile = spoiled(report, "\x1b[2J\n::error::x ##[stop]")
    text = page(_compared(report, hostile))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_what_may_differ_is_counted_and_not_told(report: Report) -> None:
    fixed = replace(report, root_cause=None, findings=report.findings[1:])
    sides = Side("before", report), Side("after", fixed)
    aspects = {(d.of, d.aspect) for d in compare(*sides).differences}
    assert aspects == {
        ("cause", "root cause"),
        ("cause", "explains"),
        ("findings", "upstream-rejected-credential"),
    }
    for patterns, left in (
        (["cause"], {"findings"}),
        (["explains", "root cause"], {"findings"}),
        (["findings/upstream-*"], {"cause"}),
        (["*"], set()),
    ):
        comparison = compare(*sides, patterns)
        assert {d.of for d in comparison.differences} == left, patterns
        assert comparison.ignored == 3 - len(comparison.differences)
    assert "3 differences ignored" in page(comparison)
    assert plain(comparison)["ignored"] == 3
    assert plain(comparison)["schema"] == "inspector.compare/1.0"
