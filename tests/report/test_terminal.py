from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.facts import ApiError, Connection, Endpoint, Oddity
from inspector.report.model import Report, nothing_to_analyse
from inspector.report.terminal import ROWS, render

GOLDEN = Path(__file__).parent / "golden"
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


def test_the_answer_stands_in_the_first_lines(report: Report) -> None:
    title, _, *rest = render(report, width=100).splitlines()
    assert "bridge.pcapng" in title
    assert "412 packets" in title
    assert title.endswith("capture INCOMPLETE")
    assert rest[0] == (
        "4 calls: 1 got 200, 2 got 401, 1 got no answer. 5 CONNECTs: 4 opened a tunnel, 1 refused."
    )


def test_the_status_of_a_connect_is_never_counted_as_an_answer(report: Report) -> None:
    tunnels_only = replace(report, clients=(), exchanges=())
    page = render(tunnels_only)
    assert "No call to an API was seen" in page
    assert " got 200" not in page
    assert '200 means "tunnel opened", never "API answered"' in page


def test_a_second_leg_is_no_second_call(report: Report) -> None:
    errors = render(report).partition("FAILED OR CUT")[2].partition("TUNNELS")[0]
    assert "401 x2" in errors
    assert "e4" not in errors


def test_colour_says_nothing_that_the_words_do_not(report: Report) -> None:
    coloured = render(report, color=True)
    assert "\x1b[" in coloured
    plain = [line.rstrip() for line in ANSI.sub("", coloured).splitlines()]
    assert plain == render(report, color=False).splitlines()


def _hostile(report: Report, text: str) -> Report:
    """The example with `text` wherever a page shows what was captured."""
    exchange = report.exchanges[0]
    tunnel, direct = report.tunnels[0], report.direct_tls[0]
    assert exchange.request is not None
    assert exchange.response is not None
    assert tunnel.tls is not None
    tls = replace(tunnel.tls, sni=text, version=text, alerts=(text,))
    client = replace(
        report.clients[0],
        user_agent=text,
        auth_headers=tuple(
            replace(h, name=text, scheme=text) for h in report.clients[0].auth_headers
        ),
    )
    return replace(
        report,
        captures=(replace(report.captures[0], name=text),),
        completeness=replace(report.completeness, because=(text,), limits_hit=(text,)),
        topology=replace(report.topology, notes=(text,), source=text),
        clients=(client,),
        exchanges=(
            replace(
                exchange,
                upgrade=text,
                request=replace(exchange.request, method=text, target=text, user_agent=text),
                response=replace(exchange.response, api_error=ApiError(text, text)),
            ),
        ),
        tunnels=(
            replace(tunnel, authority=text, tls=tls),
            replace(report.tunnels[2], authority=text, proxy_error=text),
        ),
        direct_tls=(replace(direct, tls=replace(direct.tls, sni=text)),),
        oddities=(Oddity(text, 1, (1,), text),),
    )


@pytest.mark.parametrize("verbosity", [0, 1])
@pytest.mark.parametrize("width", [40, 80])
def test_hostile_text_cannot_act_on_the_terminal(
    report: Report, verbosity: int, width: int
) -> None:
    page = render(_hostile(report, HOSTILE), width=width, verbosity=verbosity)
    assert all(character.isprintable() or character == "\n" for character in page)
    assert not any(line.lstrip().startswith("::") for line in page.splitlines())
    assert "##[" not in page
    joined = "".join(page.split())
    assert "[red]notmarkup[/red]" in joined, "text in brackets is text, not markup"
    assert r"\x1b[2Jx\r\n" in joined
    assert r"\u202egnp" in joined


def test_hostile_text_brings_no_colour_of_its_own(report: Report) -> None:
    page = render(_hostile(report, HOSTILE), color=True)
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
        report, oddities=tuple(Oddity(f"odd-{n}", 1, (n + 1,), "") for n in range(ROWS + 5))
    )
    page = render(many)
    assert f"odd-{ROWS - 1} " in page
    assert f"odd-{ROWS} " not in page
    assert "... 5 more rows with -v" in page
    assert f"odd-{ROWS + 4} " in render(many, verbosity=1)


def test_connections_that_failed_alike_share_a_row(report: Report) -> None:
    refused = [
        Connection(
            id=f"r{n}",
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
    page = render(replace(report, connections=(*report.connections, *refused)))
    (row,) = [line for line in page.splitlines() if "unanswered" in line]
    assert "unanswered x10" in row
    assert "500, 501, 502 +7" in row


def test_what_was_not_seen_is_said_not_guessed(report: Report) -> None:
    tunnel = replace(
        report.tunnels[0], authority=None, connect_status=None, established=None, egress=None
    )
    page = render(replace(report, tunnels=(tunnel,)))
    assert "1 CONNECT: 1 not known" in page
    assert "not seen" in page


def test_nothing_is_a_page_too() -> None:
    page = render(nothing_to_analyse("there was no capture"))
    assert "No call to an API was seen" in page
    assert "there was no capture" in page
