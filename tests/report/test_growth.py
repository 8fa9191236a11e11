"""Pages and comparisons cost in proportion to the report; the first page has an upper length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from inspector.diagnosis import diagnose
from inspector.model.report import Report
from inspector.options import Options
from inspector.report.compare import Side, compare
from inspector.report.page.clients import sent
from inspector.report.page.terminal import render
from inspector.report.page.tunnels import tunnel_rows
from inspector.report.page.view import View
from tests.diagnosis.calls import case_of
from tests.exchanges.network import (
    AGENT,
    API,
    ESTABLISHED,
    FINGERPRINT_KEY,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)
from tests.growth import grows_linearly

ALL: Final = Options(scope="all", fingerprint_key=FINGERPRINT_KEY)


def services(n: int) -> Report:
    """One client, n web servers."""
    net = Network()
    for number in range(n):
        say(net.to(f"10.0.{number // 250}.{number % 250 + 1}", 80), request(), response()).close()
    return net.report(ALL)


def agents(n: int) -> Report:
    """n programs on one host."""
    net = Network()
    for number in range(n):
        asked = request("POST /v1/messages HTTP/1.1", f"User-Agent: lab-{number}/1")
        say(net.to_api_proxy(), asked, response("500 Oh")).close()
    return net.report()


def keys(n: int) -> Report:
    """One client whose key is another one in each call."""
    net = Network()
    for number in range(n):
        asked = request("POST /v1/messages HTTP/1.1", f"x-api-key: made-up-{number:06}")
        say(net.to_api_proxy(), asked, response()).close()
    return net.report()


def headers(n: int) -> Report:
    """One client with n auth headers of different names."""
    net = Network()
    named = (f"x-lab-{number}-api-key: made-up" for number in range(n))
    say(net.to_api_proxy(), request("POST /v1/messages HTTP/1.1", *named), response()).close()
    return net.report(Options(fingerprint_key=FINGERPRINT_KEY))


def addresses(n: int) -> Report:
    """n agents of a network that nobody told of."""
    net = Network()
    for number in range(n):
        client = f"10.1.{number // 250}.{number % 250 + 1}"
        say(net.to("10.9.9.9", 10001, client=client), request(), response()).close()
    return net.report(ALL)


def statuses(n: int) -> Report:
    """A server that answers each call with another status."""
    net = Network()
    for number in range(n):
        say(net.to_api_proxy(), request(), response(f"{400 + number} Oh")).close()
    return net.report()


def failures(n: int) -> Report:
    """n calls that failed beside n tunnels that carry none of them."""
    net = Network()
    for _ in range(n):
        play(say(net.to_squid(client=AGENT), connect(API), ESTABLISHED), tls()).close()
        net.to_api_proxy().up(request()).end(False).end(True)
    return net.report()


def first_page(told: Report) -> object:
    return render(told)


def its_rows(told: Report) -> object:
    """The first page without what rich makes of it, which costs more than all the rest."""
    view = View(told)
    return sent(view), tunnel_rows(view), [view.host(c.client.ip) for c in told.connections]


def everything(told: Report) -> object:
    return render(told, verbosity=1)


def against_itself(told: Report) -> object:
    return compare(Side("a", told), Side("b", told))


def diagnosed(told: Report) -> object:
    return diagnose(case_of(told))


MADE: Final = (services, agents, keys, addresses, failures)


@pytest.mark.parametrize("use", [first_page, its_rows, everything, against_itself, diagnosed])
@pytest.mark.parametrize("make", MADE)
def test_four_times_as_much_takes_four_times_as_long(
    make: Callable[[int], Report], use: Callable[[Report], object]
) -> None:
    reports = {size: make(size) for size in (12, 24, 48)}

    assert grows_linearly(lambda size: lambda: use(reports[size]), 12)


@pytest.mark.parametrize("make", [*MADE, headers, statuses])
def test_the_first_page_has_an_upper_length(make: Callable[[int], Report]) -> None:
    few, many = (len(first_page_of(make(size))) for size in (30, 90))

    assert many <= few + 2
    assert many < 90


def first_page_of(told: Report) -> list[str]:
    return render(told).splitlines()


def test_a_row_lists_the_calls_of_its_own_service_alone() -> None:
    net = Network()
    for last, target in ((1, "/alpha"), (2, "/beta")):
        say(net.to(f"10.0.0.{last}", 80), request(f"GET {target} HTTP/1.1"), response()).close()

    blocks = render(net.report(ALL)).split("SENT")[1:3]

    assert ["/alpha" in block for block in blocks] == [True, False]
    assert ["/beta" in block for block in blocks] == [False, True]


def test_values_that_change_with_each_call_are_one_line_with_their_number() -> None:
    page = render(keys(60))

    assert "57 more with -v: 60 different values" in page
    assert "57 more" not in render(keys(60), verbosity=1)
