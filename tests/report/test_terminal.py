from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import inspect
from inspector.model.capture import Oddity
from inspector.model.conclusions import Evidence, Witnesses
from inspector.model.ids import chain_id, connection_id, exchange_id, tunnel_id
from inspector.model.network import Connection, Endpoint
from inspector.model.report import Report, nothing_to_analyse
from inspector.report.page.markdown import render as summary
from inspector.report.page.terminal import ROWS, render
from tests.exchanges.network import Network, request, response, say

from .hostile import spoiled

GOLDEN = Path(__file__).parent / "golden"
CAPTURES = Path(__file__).parents[2] / "captures"
ANSI = re.compile(r"\x1b\[[0-9;]*m")

HOSTILE = "\x1b[2Jx\r\n::error::pwn ##[stop] \u202egnp [red]not markup[/red] \x9b1m [/] \\"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_page_of_the_example_reads_so(report: Report, width: int) -> None:
    expected = (GOLDEN / f"example-{width}.txt").read_text(encoding="utf-8")
    assert render(report, width=width) == expected


def test_with_v_every_exchange_and_tunnel_is_listed(report: Report) -> None:
    expected = (GOLDEN / "example-80-v.txt").read_text(encoding="utf-8")
    assert render(report, width=80, verbosity=1) == expected


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("verbosity", [0, 1])
def test_no_line_is_wider_than_the_screen(report: Report, width: int, verbosity: int) -> None:
    lines = render(report, width=width, verbosity=verbosity).splitlines()
    assert max(map(len, lines)) <= width


def _without_conclusions(report: Report) -> Report:
    return replace(report, chains=(), hypotheses=(), findings=(), root_cause=None)


def test_the_cause_stands_in_the_first_lines(report: Report) -> None:
    title, _, cause, *rest = render(report, width=120).splitlines()
    assert "bridge.pcapng" in title
    assert "412 packets" in title
    assert title.endswith("capture INCOMPLETE")
    assert cause.split(maxsplit=2) == [
        "CAUSE",
        "upstream-rejected-credential",
        "explains 2 of 2 failed calls",
    ]
    assert rest[0].startswith("  The API refused the API proxy's key: 2 of 2 calls")


def test_the_cause_says_what_is_not_in_the_packets_what_to_do_and_what_it_is_not(
    report: Report,
) -> None:
    page = render(report, width=120)
    assert "  Not in the packets: the key that the API proxy sent" in page
    assert "inspector explain upstream-rejected-credential" in page
    assert "  Ruled out: Squid denial, TLS failure, the client's header\n" in page
    assert "both CONNECTs got 200" in render(report, width=120, verbosity=1)


def test_without_conclusions_the_calls_are_counted_in_the_first_lines(report: Report) -> None:
    first = render(_without_conclusions(report), width=120).splitlines()[2]
    assert first == (
        "4 calls: 1 got 200, 2 got 401, 1 got none that was captured. "
        "5 CONNECTs: 4 opened a tunnel, 1 refused."
    )


def _healthy(report: Report) -> Report:
    """The one call of the example that ended well, and its tunnel."""
    return replace(
        report,
        completeness=replace(report.completeness, verdict="complete", because=(), gaps=()),
        clients=report.clients[1:2],
        exchanges=report.exchanges[1:2],
        tunnels=report.tunnels[1:2],
        direct_tls=(),
        connections=(),
        oddities=(),
        chains=report.chains[1:2],
        findings=(),
        root_cause=None,
    )


def test_a_run_without_a_failed_call_says_so_in_its_first_sentence(report: Report) -> None:
    healthy = _healthy(report)
    page = render(healthy)
    first = page.splitlines()[2]
    assert first == "1 call: 1 got 200. 1 CONNECT: 1 opened a tunnel. None failed."
    assert "CAUSE" not in page
    assert "FAILED" not in page
    assert "CAPTURE" not in page


def test_failures_without_a_proven_cause_are_said_and_shown(report: Report) -> None:
    page = render(replace(report, root_cause=None))
    text = " ".join(page.split())
    assert "2 failed, of no cause that can be proven." in text
    assert "FAILED OR CUT" in page
    said = 'authentication_error "invalid x-api-key"'
    assert f"The API answered 401 to 2 calls (e1, e3): {said}." in text


def test_of_many_kinds_of_failure_the_first_few_are_told(report: Report) -> None:
    call = report.exchanges[0]
    assert call.response is not None
    kinds = [replace(call.response, status=status) for status in (400, 401, 403, 500, 502)]
    numbered = enumerate(kinds, 1)
    failed = tuple(replace(call, id=exchange_id(i), response=kind) for i, kind in numbered)
    page = render(replace(report, root_cause=None, exchanges=failed, chains=()))
    assert page.count("The API answered") == 3
    assert "2 more kinds of failure are under FAILED OR CUT." in page


def test_a_call_whose_end_the_capture_lacks_is_not_said_to_have_failed(report: Report) -> None:
    last = replace(_healthy(report), exchanges=report.exchanges[4:], chains=())
    assert "How 1 ended is not in the capture." in " ".join(render(last).split())
    assert "None failed" not in render(last)


def test_what_failed_elsewhere_is_no_failed_call_to_the_api_proxy(report: Report) -> None:
    elsewhere = replace(report.exchanges[0], server=report.direct_tls[0].server)
    page = render(replace(_healthy(report), exchanges=(elsewhere,), chains=()))
    assert "No call to the API proxy failed, 1 elsewhere did." in " ".join(page.split())


def test_a_client_that_leaves_after_the_last_event_did_not_fail(report: Report) -> None:
    left = replace(report.exchanges[1], ended_by="client")
    page = render(replace(_healthy(report), exchanges=(left,)))
    assert "None failed." in page
    assert "FAILED" not in page


def test_an_incomplete_capture_says_what_it_lacks(report: Report) -> None:
    page = render(report)
    assert "CAPTURE INCOMPLETE\n  1448 bytes were acknowledged but not captured" in page


def test_each_auth_header_stands_under_its_client_and_two_that_differ_say_so(
    report: Report,
) -> None:
    block = render(report).partition("SENT   claude-cli")[2].partition("SENT")[0]
    key, token = [line for line in block.splitlines() if "placeholder" in line]
    assert key.split() == ["x-api-key", "sk-ant-placeholder-key-for-credential-isolation"]
    assert token.split() == [
        "Authorization",
        "Bearer",
        "placeholder-token-for-credential-isolation",
        "(differs)",
    ]


def test_a_key_that_is_no_placeholder_is_said_of_an_agent_alone(report: Report) -> None:
    assert "(NOT A PLACEHOLDER)" in render(report, width=120)
    other = replace(report.clients[2], role="other")
    assert "(NOT A PLACEHOLDER)" not in render(replace(report, clients=(other,)), width=120)


def test_a_client_without_auth_header_is_said(report: Report) -> None:
    bare = replace(report.clients[0], auth_headers=())
    assert "  no auth header\n" in render(replace(report, clients=(bare,)))


def _tunnels_of(report: Report) -> list[list[str]]:
    block = render(report, width=120).partition("TUNNELS")[2].partition("\n\n")[0]
    return [line.split() for line in block.splitlines()[2:]]


def test_a_tunnel_carries_the_calls_that_chains_join_with_it(report: Report) -> None:
    first = _tunnels_of(report)[0]
    assert first[:3] == [".30", "api-proxy", "x2"]
    assert first[-2:] == ["e1,", "e3"], "the agent's own leg is named, not the relayed one"


def test_a_refused_tunnel_carried_nothing_for_its_call(report: Report) -> None:
    refused = replace(report.tunnels[1], connect_status=403, established=False)
    rows = _tunnels_of(replace(report, tunnels=(refused,), chains=report.chains[1:2]))
    assert rows[0][-3:] == ["nothing,", "for", "e2"]


def test_tunnels_without_a_call_stand_in_a_row_of_their_own(report: Report) -> None:
    rows = _tunnels_of(replace(report, chains=report.chains[:2]))
    assert [row[2] for row in rows if row[1] == "api-proxy"] == ["x1", "x1", "x1"]
    assert ["joined", "with", "no", "call"] in (rows[-2][-4:], rows[-1][-4:])


def test_a_call_for_which_no_tunnel_was_opened_has_a_row(report: Report) -> None:
    dead = replace(report.chains[3], confidence=0.95, answered_by="nobody")
    rows = _tunnels_of(replace(report, chains=(*report.chains[:3], dead)))
    assert rows[-1] == [".30", "api-proxy", "x0", "-", "-", "-", "e5", "got", "no", "tunnel"]


def test_a_join_that_may_not_be_relied_on_says_so(report: Report) -> None:
    guess = replace(report.chains[1], confidence=0.6)
    rows = _tunnels_of(replace(report, chains=(guess,)))
    assert ["e2,", "not", "certain"] in [row[-3:] for row in rows]


def _at_once(report: Report, count: int, confidence: float) -> Report:
    """So many calls that waited at once, with as many tunnels; chains as sure as told."""
    call, tunnel, chain = report.exchanges[0], report.tunnels[0], report.chains[0]
    assert call.request is not None
    assert call.response is not None
    request = replace(call.request, started_at=1_000, ended_at=1_000)
    response = replace(call.response, started_at=9_000_000_000, ended_at=9_000_000_000)
    numbers = range(1, count + 1)
    return replace(
        report,
        exchanges=tuple(
            replace(call, id=exchange_id(n), request=request, response=response) for n in numbers
        ),
        tunnels=tuple(replace(tunnel, id=tunnel_id(n), opened_at=5_000_000 + n) for n in numbers),
        chains=tuple(
            replace(
                chain,
                id=chain_id(n),
                agent_exchange=exchange_id(n),
                tunnel=tunnel_id(n),
                attempts=(),
                confidence=confidence,
            )
            for n in numbers
        ),
    )


def test_of_many_calls_and_tunnels_no_call_is_named_unless_it_may_be_relied_on(
    report: Report,
) -> None:
    unsure = " ".join(word for row in _tunnels_of(_at_once(report, 40, 0.7)) for word in row)
    assert "40 calls, 40 tunnels:" in unsure
    assert "which is which is not known" in unsure
    assert "e1" not in unsure
    sure = " ".join(word for row in _tunnels_of(_at_once(report, 40, 0.8)) for word in row)
    assert "e1, e2, e3 +37" in sure


def test_one_tunnel_of_several_unsure_calls_is_one_of_them(report: Report) -> None:
    many = _at_once(report, 3, 0.7)
    joined = (many.chains[0], *(replace(c, tunnel=None) for c in many.chains[1:]))
    rows = _tunnels_of(replace(many, tunnels=many.tunnels[:1], chains=joined))
    assert rows[0][-4:] == ["one", "of", "3", "calls"]


def test_a_tunnel_of_no_call_is_not_said_to_be_nobodys_while_calls_lack_one(
    report: Report,
) -> None:
    many = _at_once(report, 3, 0.5)
    page = render(replace(many, chains=tuple(replace(c, tunnel=None) for c in many.chains)))
    assert "joined with no call" not in page
    assert "3 calls waited" in page


def test_every_hypothesis_has_its_verdict_and_the_fact_that_decides_it(report: Report) -> None:
    page = render(report, width=120)
    lines = {line.split()[0]: line for line in page.splitlines() if line.startswith("H")}
    assert list(lines) == ["H1", "H2", "H3", "H4a", "H4b"]
    assert "refuted" in lines["H3"]
    assert lines["H3"].endswith("e2 streamed 42 events to their end")
    assert "CONFIRMED" in lines["H4b"]


def test_findings_beside_the_cause_are_on_the_first_page_notes_with_v(report: Report) -> None:
    page, more = render(report, width=120), render(report, width=120, verbosity=1)
    assert "real-key-on-agent-hop x1" in page
    assert "side-traffic-denied x1" in page
    assert page.count("upstream-rejected-credential") == 2, "the cause and how to have it explained"
    assert "plain-http-in-connect" not in page
    assert "1 note" in page.splitlines()[-1]
    assert "plain-http-in-connect x1" in more


def test_the_status_of_a_connect_is_never_counted_as_an_answer(report: Report) -> None:
    tunnels_only = replace(_without_conclusions(report), clients=(), exchanges=(), connections=())
    page = render(tunnels_only)
    assert "No call to an API was seen" in page
    assert " got 200" not in page
    assert '200 means "tunnel opened", never "API answered"' in page


def test_a_second_leg_is_no_second_call(report: Report) -> None:
    errors = render(report, verbosity=1).partition("FAILED OR CUT")[2].partition("CONNECTIONS")[0]
    assert "401 x2" in errors
    assert "e4" not in errors


def test_colour_says_nothing_that_the_words_do_not(report: Report) -> None:
    coloured = render(report, color=True)
    assert "\x1b[" in coloured
    plain = [line.rstrip() for line in ANSI.sub("", coloured).splitlines()]
    assert plain == render(report, color=False).splitlines()


@pytest.mark.parametrize("verbosity", [0, 1])
@pytest.mark.parametrize("width", [40, 80])
def test_hostile_text_cannot_act_on_the_terminal(
    report: Report, verbosity: int, width: int
) -> None:
    page = render(spoiled(report, HOSTILE), width=width, verbosity=verbosity)
    assert all(character.isprintable() or character == "\n" for character in page)
    assert not any(line.lstrip().startswith("::") for line in page.splitlines())
    assert "##[" not in page
    joined = "".join(page.split())
    assert "[red]notmarkup[/red]" in joined, "text in brackets is text, not markup"
    assert r"\x1b[2Jx\r\n" in joined
    assert r"\u202egnp" in joined


def test_hostile_text_brings_no_colour_of_its_own(report: Report) -> None:
    page = render(spoiled(report, HOSTILE), color=True)
    own = render(nothing_to_analyse(""), color=True) + render(report, color=True)
    assert set(ANSI.findall(page)) <= set(ANSI.findall(own))
    assert "\x1b[2J" not in page


@given(text=st.text(max_size=40))
def test_any_text_makes_a_page_of_printable_lines(text: str) -> None:
    report = replace(
        nothing_to_analyse(text), oddities=(Oddity("odd", 1, (1,), text), Oddity(text, 1, (), ""))
    )
    page = render(report, verbosity=1)
    assert all(character.isprintable() or character == "\n" for character in page)


def test_the_first_page_counts_the_rows_it_leaves_out(report: Report) -> None:
    many = replace(
        report,
        findings=tuple(replace(report.findings[1], code=f"code-{n}") for n in range(ROWS + 5)),
    )
    page = render(many)
    assert f"code-{ROWS - 1} " in page
    assert f"code-{ROWS} " not in page
    assert "... 5 more rows with -v" in page
    assert f"code-{ROWS + 4} " in render(many, verbosity=1)


def test_connections_that_failed_alike_share_a_row(report: Report) -> None:
    refused = [
        Connection(
            id=connection_id(900 + n),
            client=Endpoint("172.30.0.20", 50000 + n),
            server=Endpoint("172.30.0.30", 10001),
            opened_at=0,
            closed_at=0,
            closed_by=None,
            outcome="unanswered",
            bytes_up=0,
            bytes_down=0,
            packet=500 + n,
        )
        for n in range(10)
    ]
    page = render(replace(report, connections=(*report.connections, *refused)), verbosity=1)
    (row,) = [line for line in page.splitlines() if "unanswered" in line]
    assert "unanswered x10" in row
    assert "500, 501, 502 +7" in row


def test_what_was_not_seen_is_said_not_guessed(report: Report) -> None:
    tunnel = replace(
        report.tunnels[0], authority=None, connect_status=None, established=None, egress=None
    )
    page = render(replace(_without_conclusions(report), tunnels=(tunnel,)), width=120)
    assert "1 CONNECT: 1 not known" in page
    assert "not seen" in page


def test_nothing_is_a_page_too() -> None:
    page = render(nothing_to_analyse("there was no capture"))
    assert "No call to an API was seen" in page
    assert "there was no capture" in page


def test_answers_to_requests_that_were_not_captured_have_ended() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.up(b"\x01binary\x02").down(response("400 Bad Request")).ack(True).close()
    told = net.report()

    assert [call.request for call in told.exchanges] == [None]
    page = render(told)
    assert "What 1 answer is to is not in the capture." in page
    assert "ended is not in the capture" not in page


def test_a_connection_that_carried_bytes_is_not_called_silent() -> None:
    net = Network()
    say(net.to("172.30.0.77", 1080), b"\x05\x01\x00", b"\x05\x00").close()
    net.to("172.30.0.77", 1081).close()

    page = render(net.report())

    assert "1 silent connection, 1 connection without HTTP or TLS" in page


def test_no_auth_header_is_said_to_lack_in_a_head_that_was_not_read_to_its_end() -> None:
    net = Network()
    head = request("POST /v1/messages HTTP/1.1", "x-api-key: made-up-key")
    tcp = net.to_api_proxy().up(head[: head.index(b"x-api")]).down(response("408 Too Slow"))
    tcp.end(False).end(True)
    cut = net.report()

    assert "  no auth header in what was read: 1 request is not whole\n" in render(cut)
    assert "**none**" not in summary(cut)


def test_logs_that_say_nothing_of_the_packets_are_not_passed_over(report: Report) -> None:
    note = "text.txt: no line of a known format"
    witnesses = Witnesses(0, 0, 1, (), (), (note,))
    page = render(replace(report, witnesses=witnesses), width=120)
    assert page.index(f"{note}.") < page.index("CAUSE"), "whoever gave it believes that it agrees"
    said = "LOGS   0 of 0 lines speak of these packets; none contradicts them; 1 line could not be"
    assert said in page
    assert f"{note}." in summary(replace(report, witnesses=witnesses))
    assert "LOGS" not in render(replace(report, witnesses=None))


def test_one_line_says_that_all_questions_have_the_same_answer(report: Report) -> None:
    alike = tuple(
        replace(one, verdict="refuted", because=("no call failed",)) for one in report.hypotheses
    )
    page = render(replace(report, hypotheses=alike))
    assert "H1-H4b  all questions  refuted  no call failed\n" in page
    assert page.count("no call failed") == 1
    assert "H1-H4b | all questions" in summary(replace(report, hypotheses=alike))
    assert "H1-H4b" not in render(report)


def test_a_success_that_failed_all_the_same_is_counted_as_failed() -> None:
    cut = inspect(CAPTURES / "h3-upstream-cut")
    assert "1 sent, 1 got 200 (1 failed)" in render(cut, width=120)
    assert "2 calls: 2 got 200 (2 failed)." in render(replace(cut, root_cause=None), width=120)
    assert "failed)" not in render(inspect(CAPTURES / "healthy-sse"), width=120)


def test_the_gravest_finding_without_a_cause_says_what_to_do_and_where_more_is(
    report: Report,
) -> None:
    [first, *_] = report.findings
    grave = replace(first, severity="error", evidence=(Evidence(exchange=exchange_id(3)),))
    page = render(replace(_healthy(report), findings=(grave,)), width=120)
    assert f"  Next: {first.advice.removesuffix('.')}\n" in page
    assert f"  More: inspector explain {first.code}, inspector show FILE e3\n" in page


def test_evidence_that_is_not_listed_is_counted(report: Report) -> None:
    [first, *_] = report.findings
    places = tuple(Evidence(exchange=exchange_id(number)) for number in (1, 2, 3, 5, 6))
    many = replace(first, code="many", count=1_375, evidence=places)
    page = render(replace(report, findings=(many,)), width=120)
    assert "(e1, e2, e3 +1,372)" in page


def test_ways_past_the_api_proxy_are_no_failed_calls(report: Report) -> None:
    assert report.root_cause is not None
    cause = replace(report.root_cause, code="api-proxy-bypassed", explains=4, of=4)
    page = render(replace(report, root_cause=cause))
    assert "CAUSE  api-proxy-bypassed   4 ways past the API proxy, and no call to it" in page
    assert "4 of 4 failed calls" not in page
