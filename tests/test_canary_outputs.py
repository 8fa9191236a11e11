"""No output of any command holds a piece of a key: each plant against each row of a table.

`test_canary.py` holds what `analyze` prints to that, with keys of every shape;
here it is everything else that a report becomes, and the logs beside a capture.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from inspector import inspect
from inspector.exchanges.processes import SocketOwner, comment
from inspector.model.network import Endpoint, Process
from tests.canary.keys import Watch, canary
from tests.canary.logs import LOG_KEYS, LOGS, log_of_keys
from tests.canary.outputs import (
    OPTIONS,
    OUTPUTS,
    THIRDS,
    Output,
    Place,
    kept,
    live_lines,
    placed,
    refused,
    rendered,
    report_of,
    said,
)  # fmt: skip
from tests.canary.planted import ABOUT, EVERYTHING, SAMPLE, WATCH, planted
from tests.canary.plants import POSITIONS
from tests.canary.wire import AGENT, API_PROXY, FIRST_PORT, START, Talk, capture

NAMED_AFTER_A_KEY = {name: canary(name, "github") for name in ("comm", "exe", "container")}
NAMES = Watch([*NAMED_AFTER_A_KEY.values()])
POLICY = """
[[expect]]
auth = ["x-lab-none"]
placeholder_only = true
statuses = ["2xx"]
min_calls = 5000
direct_connect = "never"
tunnels = { authorities = ["nowhere.lab.test:443"], tls = "complete" }

[[ignore]]
code = "no-auth-header"
reason = "known"
expires = 2020-01-01
"""


def claimed(talk: Talk) -> Talk:
    """The first talk of a capture, made by a program that is named after keys."""
    comm, exe, container = (key.text for key in NAMED_AFTER_A_KEY.values())
    process = Process(pid=1, comm=comm, exe=exe, container=container)
    claim = SocketOwner(
        Endpoint(AGENT, FIRST_PORT), Endpoint(API_PROXY, 10001), "client", START, process
    )
    return replace(talk, comments=(comment(claim),))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    talks = [item.talk for item in SAMPLE]
    return placed(
        tmp_path_factory.mktemp("lab"),
        capture([claimed(talks[0]), *talks[1:]], ABOUT),
        capture([refused(item.talk) for item in EVERYTHING], ABOUT),
        {log: log_of_keys(log, table) for log, table in LOGS.items()},
        POLICY,
    )


def leaks(data: bytes) -> list[str]:
    """Keys in it as it is, as a browser shows it, and unwrapped."""
    variants = {data, b"".join(data.split())}
    if b"&" in data:
        text = html.unescape(data.decode("utf-8", "replace"))
        variants.add(text.encode("utf-8", "backslashreplace"))
    return [*(name for one in variants for name in WATCH.leaks(one)), *NAMES.leaks(data)]


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_no_output_holds_a_piece_of_a_key(output: Output, place: Place) -> None:
    told = list(said(output, place))
    assert any(item.data for item in told)
    assert {item.name: leaks(item.data) for item in told if leaks(item.data)} == {}


def test_every_key_of_a_log_is_in_it() -> None:
    logs = b"".join(log_of_keys(log, table) for log, table in LOGS.items())
    assert {key.name for key in LOG_KEYS} - {*WATCH.leaks(logs)} == set()


def test_the_logs_are_read_and_joined_so_that_they_could_give_a_key_away(place: Place) -> None:
    witnesses = inspect(place.capture.parent, options=OPTIONS).witnesses
    assert witnesses is not None
    assert witnesses.squid_lines > 30
    assert witnesses.api_proxy_lines > 20
    assert witnesses.joined
    assert {item.kind for item in witnesses.disagreements} >= {"status-differs", "not-captured"}


def test_nor_does_a_line_of_watch(place: Place) -> None:
    lines = live_lines(place.capture, Process(pid=1, comm="lab"), color=True)
    assert lines.count(b"\n") > 100
    assert leaks(lines) == []


# -- each plant by itself: what is told of it is in no one's shadow -----------------------


@THIRDS
@pytest.mark.parametrize("change", [kept, refused])
def test_alone_in_a_capture_no_key_is_told_of_by_any_renderer(
    change: Callable[[Talk], Talk], third: int, tmp_path: Path
) -> None:
    found = {}
    for item in (*SAMPLE, *planted(POSITIONS, "openai"))[third::3]:
        report = report_of(change(item.talk), tmp_path)
        found[item.key.name] = [one.name for one in rendered(report) if leaks(one.data)]
    assert {name: told for name, told in found.items() if told} == {}


def test_a_policy_that_quotes_its_own_text_says_it(place: Place) -> None:
    # The user's words are not captured: a reason is shown as it was written.
    (told, *_) = said(OUTPUTS["judgement by a file"], place)
    assert b"known" in told.data
