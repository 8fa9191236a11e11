"""Captured text is shown and does nothing: on a runner, on a terminal, in a browser.

Each text of `tests/canary/hostile.py` stands in each place in which keys are
planted, and each output of `tests/canary/outputs.py` is read as its reader
would read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.model.network import Process
from tests.canary.hostile import (
    ALL,
    HOSTILE,
    MARK,
    acting,
    commands,
    foreign_commands,
    foreign_elements,
    live_markup,
    outputs_read,
    uneven_tables,
)  # fmt: skip
from tests.canary.logs import LOGS, lines
from tests.canary.outputs import (
    OUTPUTS,
    THIRDS,
    Output,
    Place,
    Said,
    kept,
    live_lines,
    placed,
    refused,
    rendered,
    report_of,
    said,
)  # fmt: skip
from tests.canary.plants import POSITIONS, TEXTS, Plant
from tests.canary.wire import Description, Talk, capture

PLACES: dict[str, Plant] = POSITIONS | TEXTS
AUTHORITIES = frozenset({"host", "authority", "authority after user information"})
#: Control characters that are bytes by themselves, in no encoding.
BYTES = b"\x9b31m\x85::error::\xff\x90"
NAME = f"::error::{MARK} ##[group]\n::error::\x1b[31m<b>[a](b)`|\u202e.pcapng"
#: The user's own words, which are no less to be shown as they are.
POLICY = r"""
[[expect]]
name = "x\n::error::HERON ##[group]\u001b[31m\u202e"
clients = ["::error::HERON ##[group]\r\n::error::\u001b[31m*"]
statuses = ["2xx"]
models = ["::error::HERON ##[group]\r\n::error::\u001b[31m"]

[[ignore]]
code = "no-auth-header"
reason = "::error::HERON ##[group]\n::error::\u001b[31m\u009b<script>\u202e"
expires = 2999-01-01
"""


def free_texts(but: frozenset[str] = frozenset()) -> Iterator[Talk]:
    for place, plant in TEXTS.items():
        if place in but:
            continue
        for text in HOSTILE.values():
            yield plant(text.encode())
        yield plant(BYTES)


def talks() -> Iterator[Talk]:
    yield from free_texts()
    for plant in POSITIONS.values():
        yield plant(ALL.encode())
        yield plant(BYTES)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    every = list(talks())
    about = Description(
        section_comment=HOSTILE["command on a line of its own"],
        interface_name=NAME,
        interface_description=ALL,
        interface_filter=ALL,
        resolved_name=NAME,
    )
    folder = tmp_path_factory.mktemp("lab") / NAME
    folder.mkdir()
    data = capture(every, about)
    logs = {log: lines(table, HOSTILE.values()) for log, table in LOGS.items()}
    other = capture([refused(talk) for talk in every[::7]], about)
    return placed(folder, data, other, logs, POLICY, name=NAME)


#: The names under which later steps find values (docs/github-actions.md).
STATED = {
    *("root-cause", "failed-calls", "findings", "errors", "warnings", "notes"),
    *("capture", "report-dir", "verdict"),
}


def wrong(told: Said) -> list[object]:
    """What the reader of an output would act on."""
    text = told.data.decode()
    if told.form == "outputs":
        # Values for later steps, which nobody reads as lines.
        return [*({*outputs_read(text)} - STATED)]
    found: list[object] = [*acting(text, colors=told.form == "colored")]
    if told.form == "xml":
        # A file for a reader of JUnit, which nobody prints as lines.
        return [*found, *foreign_elements(text)]
    found += (foreign_commands if told.annotates else commands)(text)
    if told.form == "markdown":
        found += [*live_markup(text), *uneven_tables(text)]
    return found


#: `make test` tries every third output, `make test-real` all of them.
EACH = [
    pytest.param(output, id=name, marks=pytest.mark.long if index % 3 else ())
    for index, (name, output) in enumerate(OUTPUTS.items())
]


@pytest.mark.parametrize("output", EACH)
def test_no_output_acts(output: Output, place: Place) -> None:
    told = list(said(output, place, unsafe=True))
    assert any(item.data for item in told)
    assert {item.name: wrong(item)[:5] for item in told if wrong(item)} == {}


@pytest.mark.parametrize("color", [False, True])
def test_nor_does_a_line_of_watch(color: bool, place: Place) -> None:
    process = Process(pid=1, comm=ALL, container=ALL)
    shown = live_lines(place.capture, process, color=color)
    assert MARK.encode() in shown
    assert wrong(Said("watch", "colored" if color else "text", shown)) == []


@THIRDS
@pytest.mark.parametrize("change", [kept, refused])
def test_alone_in_a_capture_a_text_does_nothing_in_any_renderer(
    change: Callable[[Talk], Talk], third: int, tmp_path: Path
) -> None:
    found = {}
    for name, plant in [*PLACES.items()][third::3]:
        report = report_of(change(plant(ALL.encode())), tmp_path)
        told = {one.name: wrong(one)[:5] for one in rendered(report)}
        found[name] = {output: acts for output, acts in told.items() if acts}
    assert {name: told for name, told in found.items() if told} == {}


def test_words_of_errors_are_shown_and_json_keeps_them_as_they_are(
    place: Place, tmp_path: Path
) -> None:
    # Without those that were sent as a key, or as user information in front of an `@`:
    # they are hidden wherever they stand.
    path = tmp_path / "texts.pcapng"
    path.write_bytes(capture([*free_texts(AUTHORITIES)], Description()))
    place = replace(place, capture=path)
    (told, *_) = said(OUTPUTS["JSON"], place)
    agents = {client["user_agent"] for client in json.loads(told.data)["clients"]}
    # Of a user agent only words that a grammar grants are shown, those as they are.
    for name in ("tags", "links"):
        assert f"lab/1.0 ({HOSTILE[name]})" in agents
    assert not any("\u202e" in (agent or "") for agent in agents)
    messages = {
        call["response"]["api_error"]["message"]
        for call in json.loads(told.data)["exchanges"]
        if call["response"] and call["response"]["api_error"]
    }
    for name in ("command", "tags", "links", "command in the escapes of JSON"):
        assert HOSTILE[name].encode().decode("unicode_escape") in messages
    # What reorders a text is no word, and what a text calls a key is none.
    assert not any("\u202e" in (message or "") for message in messages)
    assert any(re.fullmatch(r"Bad key: <\d+ bytes [0-9a-f]{12}>", m or "") for m in messages)
    (page, *_) = said(OUTPUTS["page in detail"], place)
    assert page.data.count(MARK.encode()) > 100


# -- the checks themselves -----------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        Said("page", "text", b"HERON\n  ::error::HERON"),
        Said("page", "text", b"HERON ##[error]"),
        Said("page", "text", b"\x1b[31m"),
        Said("page", "text", "HERON\u202e".encode()),
        Said("page", "text", b"::error::HERON", annotates=True),
        Said("page in colour", "colored", b"\x1b[2J"),
        Said("outputs", "outputs", b"findings=1\nHERON=1\n"),
        Said("summary", "markdown", b"a <script>HERON</script>"),
        Said("summary", "markdown", b"[HERON](https://heron.example)"),
        Said("summary", "markdown", b"![HERON](https://heron.example)"),
        Said("summary", "markdown", b"<https://heron.example>"),
        Said("summary", "markdown", b"<br onload=HERON>"),
        Said("summary", "markdown", b"HERON\n\n# HERON"),
        Said("summary", "markdown", b"|a|b|\n|---|---|\n|HERON|HERON|HERON|"),
    ],
)
def test_a_text_that_acts_is_found(raw: Said) -> None:
    assert wrong(raw)
