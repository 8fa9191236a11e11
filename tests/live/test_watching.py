"""Lines of `watch`: what they say, that nothing in them can act, and the pause."""

from __future__ import annotations

import os
import pty
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from inspector import inspect
from inspector.live.line_screen import KEPT, Keyboard, PausableScreen
from inspector.live.lines import Lines
from inspector.model.network import Endpoint, Process
from lab.index import CAPTURES

DEMO = inspect(CAPTURES / "issue-1527")
HEALTHY = inspect(CAPTURES / "healthy-sse")
PLAIN = Lines(color=False)


def test_an_exchange_is_one_line() -> None:
    line = PLAIN.exchange(HEALTHY.exchanges[0])
    assert "\n" not in line
    for part in (
        "e1 ",
        "172.30.0.20 > 172.30.0.30:10001",
        "anthropic",
        "POST /v1/messages",
        "200",
        "events, ended",
    ):
        assert part in line


def test_a_call_without_an_answer_says_so() -> None:
    assert PLAIN.exchange(DEMO.exchanges[0]).endswith("no answer (server)")


def test_a_tunnel_is_one_line() -> None:
    line = PLAIN.tunnel(DEMO.tunnels[0])
    for part in ("172.30.0.20 > 172.30.0.10:3128", "api.anthropic.com:443", "CONNECT 200", "up"):
        assert part in line


def test_the_process_that_called_is_named() -> None:
    process = Process(pid=42, comm="claude", container="awf-agent")
    asked: list[tuple[Endpoint, Endpoint]] = []

    def who(client: Endpoint, server: Endpoint) -> Process:
        asked.append((client, server))
        return process

    exchange = HEALTHY.exchanges[0]
    assert " awf-agent/claude[42] > " in Lines(color=False, who=who).exchange(exchange)
    process = replace(process, container=None, container_id="0123456789abcdef" * 4)
    assert " 0123456789ab/claude[42] > " in Lines(color=False, who=who).exchange(exchange)
    assert asked == [(exchange.client, exchange.server)] * 2


def test_colour_says_no_more_than_the_words() -> None:
    colored = Lines(color=True).exchange(HEALTHY.exchanges[0])
    assert "\x1b[32m" in colored
    for code in ("\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"):
        colored = colored.replace(code, "")
    assert colored == PLAIN.exchange(HEALTHY.exchanges[0])


HOSTILE = "a\x1b[2J\r\n::error::b\u202e##[command]"


def test_hostile_text_cannot_act() -> None:
    process = Process(pid=1, comm=HOSTILE, container=HOSTILE)
    exchange = HEALTHY.exchanges[0]
    assert exchange.request
    hostile = replace(exchange, request=replace(exchange.request, method=HOSTILE, target=HOSTILE))
    tunnel = replace(DEMO.tunnels[0], authority=HOSTILE, proxy_error=HOSTILE, tls=None)
    lines = Lines(color=False, who=lambda client, server: process)
    for line in (lines.exchange(hostile), lines.tunnel(tunnel)):
        assert line.isprintable()
        assert "##[" not in line


def test_while_paused_lines_wait_and_then_come_in_order() -> None:
    shown: list[str] = []
    told: list[str] = []
    screen = PausableScreen(shown.append, told.append)
    screen.line("1")
    screen.toggle()
    screen.line("2")
    screen.line("3")
    assert shown == ["1"]
    screen.toggle()
    screen.line("4")
    assert shown == ["1", "2", "3", "4"]
    assert told == ["paused; space goes on, q ends"]


def test_a_long_pause_keeps_the_newest_lines_and_counts_the_others() -> None:
    shown: list[str] = []
    told: list[str] = []
    screen = PausableScreen(shown.append, told.append)
    screen.toggle()
    for number in range(KEPT + 5):
        screen.line(str(number))
    screen.toggle()
    assert len(shown) == KEPT
    assert shown[0] == "5"
    assert "5 lines" in told[-1]


@pytest.mark.parametrize("pause", [b" ", b"p"])
def test_keys_pause_and_end(pause: bytes) -> None:
    controller, terminal = pty.openpty()
    try:
        screen = PausableScreen(lambda text: None, lambda text: None)
        keys = Keyboard(terminal, screen)
        os.write(controller, pause + b"\n")
        assert keys.read() is False
        assert screen.paused
        os.write(controller, b"xq\n")
        assert keys.read() is True
    finally:
        os.close(controller)
        os.close(terminal)


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    from inspector.live.line_screen import keyboard

    with Path(os.devnull).open() as null:
        monkeypatch.setattr(sys, "stdin", null)
        with keyboard(PausableScreen(lambda text: None, lambda text: None)) as keys:
            assert keys is None
