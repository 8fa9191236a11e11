from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from inspector.capture_files import inspect
from inspector.errors import ExitCode
from inspector.model.capture import Redacted
from inspector.model.credentials import Credential
from inspector.model.report import Report
from inspector.model.topology import Client
from inspector.options import Options
from inspector.report.compare import COPY, NO_KEY, OTHER_KEY, Comparison, Side, compare
from inspector.report.compare_page import page
from inspector.report.compare_values import Aspect
from inspector.report.compare_values import _credentials as credentials_of
from inspector.report.formats.compared import compare_schema, plain

from .hostile import spoiled


def _compared(a: Report, b: Report) -> Comparison:
    return compare(Side("before", a), Side("after", b))


def _rows(comparison: Comparison) -> set[tuple[str, str, str | None, str | None]]:
    return {(d.of, d.aspect, _shown(d.a), _shown(d.b)) for d in comparison.differences}


def _shown(aspect: Aspect | None) -> str | None:
    return None if aspect is None else aspect.shown


def _claude(report: Report) -> Client:
    return report.clients[0]


def test_a_report_does_not_differ_from_itself(report: Report) -> None:
    comparison = _compared(report, report)
    assert comparison.differences == ()
    assert comparison.alike > 20
    assert f"No difference: {comparison.alike} aspects alike." in page(comparison)


def test_the_side_that_alone_has_a_cause_is_named_first(report: Report) -> None:
    fixed = replace(report, root_cause=None)
    said = "Calls fail in {}: upstream-rejected-credential, 2 of 2. No cause"
    assert page(_compared(report, fixed), width=120).splitlines()[3].startswith(said.format("A"))
    assert page(_compared(fixed, report), width=120).splitlines()[3].startswith(said.format("B"))
    assert "Calls fail" not in page(_compared(report, report))


def test_headers_of_a_client_that_one_side_alone_has_are_not_listed(report: Report) -> None:
    gone = replace(report, clients=report.clients[1:])
    shown = page(_compared(report, gone), width=120)
    assert "auth headers" in shown
    assert "\n  headers" not in shown


def test_the_cause_verdicts_and_findings_of_two_runs_are_compared(report: Report) -> None:
    fixed = replace(
        report,
        root_cause=None,
        findings=report.findings[1:],
        hypotheses=(*report.hypotheses[:4], replace(report.hypotheses[4], verdict="refuted")),
    )
    assert _rows(_compared(report, fixed)) == {
        ("cause", "root cause", "upstream-rejected-credential, 2 of 2", None),
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
        "kind": "finding",
        "a": {"severity": "error", "count": 2},
        "b": None,
    }
    jsonschema.Draft202012Validator(compare_schema()).validate(told)


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
        ("findings", "upstream-rejected-credential"),
    }
    for patterns, left in (
        (["cause"], {"findings"}),
        (["root cause"], {"findings"}),
        (["findings/upstream-*"], {"cause"}),
        (["*"], set()),
    ):
        comparison = compare(*sides, patterns)
        assert {d.of for d in comparison.differences} == left, patterns
        assert comparison.ignored == 2 - len(comparison.differences)
    assert "2 differences ignored" in page(comparison)
    assert plain(comparison)["ignored"] == 2
    assert plain(comparison)["schema"] == "inspector.compare/2.0"


# -- equal credentials, by equal keys ----------------------------------------------------------

HOLDS_KEY = Path(__file__).parents[2] / "captures" / "agent-holds-real-key"
CLIENT = "claude-cli -> anthropic"
VALUES = (CLIENT, "value of x-api-key"), (CLIENT, "value of Authorization Bearer")


def open_because(why: str) -> dict[tuple[str, str], str]:
    return dict.fromkeys(VALUES, why)


def keyed(key: bytes) -> Report:
    return inspect(HOLDS_KEY, options=Options(fingerprint_key=key))


def undecided(comparison: Comparison) -> dict[tuple[str, str], str]:
    return {(each.of, each.aspect): each.because for each in comparison.undecided}


def test_equal_credentials_are_equal_under_one_key() -> None:
    comparison = _compared(keyed(b"one"), keyed(b"one"))
    assert (comparison.differences, comparison.undecided) == ((), ())
    assert comparison.exit_code is ExitCode.DONE


def test_under_different_keys_they_cannot_be_compared_and_all_else_can() -> None:
    comparison = _compared(keyed(b"one"), keyed(b"other"))
    assert comparison.differences == ()
    assert undecided(comparison) == open_because(OTHER_KEY)
    assert comparison.exit_code is ExitCode.NOT_PROVEN
    told = page(comparison)
    assert "cannot be compared" in told
    assert "No difference that can be told" in told
    assert "different keys" in told
    plainly = plain(comparison)
    assert plainly["not_compared"] == [
        {"of": of, "aspect": aspect, "because": OTHER_KEY} for of, aspect in VALUES
    ]
    assert plainly["exit_code"] == 5
    jsonschema.Draft202012Validator(compare_schema()).validate(plainly)


def test_a_report_that_names_no_key_cannot_be_compared_either() -> None:
    old = replace(keyed(b"one"), provenance=None)
    assert undecided(_compared(old, keyed(b"one"))) == open_because(NO_KEY)


def test_a_copys_masks_are_no_credentials() -> None:
    report = keyed(b"one")
    copy = tuple(
        replace(each, redacted=Redacted(bodies=True, ciphertext=True)) for each in report.captures
    )
    assert undecided(_compared(report, replace(report, captures=copy))) == open_because(COPY)


def test_credentials_of_another_length_differ_under_whatever_keys() -> None:
    report, other = keyed(b"one"), keyed(b"other")
    client = other.clients[0]
    longer = tuple(
        replace(header, credential=replace(header.credential, length=7))
        for header in client.auth_headers
    )
    other = replace(other, clients=(replace(client, auth_headers=longer), *other.clients[1:]))
    comparison = _compared(report, other)
    assert {(d.of, d.aspect) for d in comparison.differences} == set(VALUES)
    assert comparison.undecided == ()


def test_placeholders_are_equal_under_whatever_keys(report: Report) -> None:
    other = replace(report, provenance=None)
    names = {aspect for _, aspect in undecided(_compared(report, other))}
    assert names == {"value of x-api-key", "value of ?key"} & names
    assert not any("placeholder" in d.aspect for d in _compared(report, other).differences)


def test_what_may_differ_is_not_asked_for_a_key_either() -> None:
    sides = Side("a", keyed(b"one")), Side("b", keyed(b"other"))
    comparison = compare(*sides, ["value of *"])
    assert (comparison.undecided, comparison.ignored) == ((), 2)
    assert comparison.exit_code is ExitCode.DONE


def test_labels_in_texts_are_compared_without_their_fingerprints() -> None:
    def asked(key: bytes) -> Report:
        report = keyed(key)
        exchanges = tuple(
            replace(each, request=replace(each.request, target=f"/v1/<36 bytes {key.hex():0<12}>"))
            for each in report.exchanges
            if each.request is not None
        )
        return replace(report, exchanges=exchanges)

    assert _compared(asked(b"one"), asked(b"other")).differences == ()
    (difference,) = _compared(asked(b"one"), keyed(b"one")).differences
    assert difference.aspect == "asked"


def test_all_credentials_of_one_header_are_compared(report: Report) -> None:
    client = report.clients[2]
    (header,) = client.auth_headers
    second = replace(header, credential=replace(header.credential, fingerprint="0123456789ab"))
    both = replace(client, auth_headers=(header, second))
    swapped = replace(client, auth_headers=(second, header))
    one, two = (replace(report, clients=(each,)) for each in (client, both))
    assert [d.aspect for d in _compared(one, two).differences] == ["value of x-api-key"]
    assert _compared(two, replace(report, clients=(swapped,))).differences == ()


@pytest.mark.parametrize("name", ["issue-1527", "denied-side-traffic", "websocket", "healthy-json"])
def test_every_kind_of_value_fits_the_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator(compare_schema())
    report, empty = inspect(HOLDS_KEY.parent / name), inspect(HOLDS_KEY.parent / "start-up-only")
    told: Any = plain(_compared(report, empty))
    validator.validate(told)
    kinds = {each["kind"] for each in told["differences"]}
    assert kinds >= {"texts", "number", "counts", "sent", "tunnels"}


@pytest.mark.parametrize("turned", [False, True])
def test_credentials_stand_in_one_order_whatever_the_key_of_their_fingerprints(
    turned: bool,
) -> None:
    prints = ["0" * 12, "f" * 12]
    first, second = prints[::-1] if turned else prints
    plain_one = Credential("aws-sigv4", None, 164, first, None)
    odd_one = Credential("aws-sigv4", None, 164, second, None, ("control-character",))
    assert credentials_of([odd_one, plain_one]).value == (plain_one, odd_one)
