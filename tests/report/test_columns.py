"""Words of a table stay whole at every width that has room for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import Report, inspect
from inspector.report.detail.gather import Details
from inspector.report.detail.page import page
from inspector.report.page.columns import fitted
from inspector.report.page.layout import printed, table
from inspector.report.page.terminal import render

CAPTURES = Path(__file__).parents[2] / "captures"
#: Of all kinds: denied and opened tunnels, keys, relayed pages, streams, sockets, long targets.
SHOWN = (
    "issue-1527", "squid-denied", "h4-401-inside-tunnel", "tls-untrusted", "gemini-query-key",
    "websocket-cut", "plain-http-in-connect",
)  # fmt: skip
#: A host and its port, a cipher, a path, a code, a header's name.
JOINED = re.compile(r"[\w.-]+:\d+|TLS_\w+|https?://\S+|/[\w/.?=-]+|\w+(?:[._-]\w+)+")


@pytest.fixture(scope="module", params=SHOWN)
def told(request: pytest.FixtureRequest) -> Report:
    return inspect(CAPTURES / request.param)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_host_cipher_path_or_code_is_broken(told: Report, width: int) -> None:
    wide = below_title(render(told, width=1000, verbosity=1))
    page = below_title(render(told, width=width, verbosity=1))
    whole = {word for word in JOINED.findall(wide) if len(word) <= width - 6}
    assert len(whole) > 10
    assert {word for word in whole if word not in page} == set()
    assert max(map(len, page.splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nor_on_the_page_of_one_exchange(told: Report, width: int) -> None:
    details = Details(told)
    names = [each.id for each in told.exchanges[:3]] + [each.id for each in told.tunnels[:2]]
    for name in names:
        detail = details.of(name)
        wide = page(detail, told, width=1000)
        shown = page(detail, told, width=width)
        whole = {word for word in JOINED.findall(wide) if len(word) <= width // 2 - 4}
        assert {word for word in whole if word not in shown} == set()


def below_title(page: str) -> str:
    """Without the capture's name, which is cut to what tells it from others."""
    return page.partition("\n")[2]


def test_a_column_that_can_give_way_does_so_before_a_word_is_broken() -> None:
    grid = table("host", "sentence")
    grid.add_row("api.anthropic.com:443", "one two three four five six")
    assert printed([grid], width=34, color=False).splitlines() == [
        "host                   sentence",
        "api.anthropic.com:443  one two",
        "                       three four",
        "                       five six",
    ]


def test_where_the_words_have_no_room_beside_each_other_a_row_is_a_paragraph() -> None:
    grid = table("host", "cipher", "how", "rest")
    grid.add_row("api.anthropic.com:443", "TLS_AES_256_GCM_SHA384", "complete", "-")
    grid.add_row("api.openai.com:443", "", "cut [red]off[/red]", "x")
    assert printed([grid], width=34, color=False).splitlines() == [
        "api.anthropic.com:443",
        "    cipher: TLS_AES_256_GCM_SHA384",
        "    how: complete",
        "api.openai.com:443",
        "    how: cut [red]off[/red]",
        "    rest: x",
    ]


def test_a_word_longer_than_the_page_is_broken_and_nothing_of_it_is_lost() -> None:
    grid = table("name", "value")
    grid.add_row("x-key", "abcdefghij" * 5)
    lines = printed([grid], width=24, color=False).splitlines()
    assert "".join(line.strip() for line in lines[1:]) == "value: " + "abcdefghij" * 5 or (
        "abcdefghij" * 5 in "".join(line.strip() for line in lines)
    )
    assert max(map(len, lines)) <= 24


def test_a_path_longer_than_the_page_is_broken_behind_its_own_marks() -> None:
    grid = table("", header=False)
    grid.add_row("POST /v1beta/models/some-model:generateContent?key=a-placeholder (e1)")
    assert printed([grid], width=54, color=False).splitlines() == [
        "POST /v1beta/models/some-model:generateContent?",
        "    key=a-placeholder (e1)",
    ]


def test_a_broken_word_begins_no_workflow_command() -> None:
    grid = table("a", "b")
    grid.add_row("x" * 30, "y" * 30 + "::error::no")
    for width in range(10, 60):
        text = printed([grid], width=width, color=False)
        assert not re.search(r"^\s*::", text, re.MULTILINE), width


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), min_size=1, max_size=8),
    st.integers(0, 300),
)
def test_columns_fill_the_room_and_keep_their_longest_words(
    sizes: list[tuple[int, int]], room: int
) -> None:
    wanted = [(least, least + more) for least, more in sizes]
    widths = fitted(wanted, room)
    if widths is None:
        assert sum(least for least, _ in wanted) > room
        return
    assert sum(widths) == min(room, sum(most for _, most in wanted))
    assert all(least <= width <= most for width, (least, most) in zip(widths, wanted, strict=True))
