"""The first failed call as a diagram in Mermaid: what is drawn, and that texts are data in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspector import inspect
from inspector.options import Options
from inspector.report.drawing import Drawing, Drawings, DrawnLane, DrawnStep
from inspector.report.page.markdown import render
from inspector.report.page.mermaid import STEPS, sequence
from inspector.report.page.view import View
from tests.canary.hostile import ALL, HOSTILE, foreign_statements

CAPTURES = Path(__file__).parent.parent.parent / "captures"
AGENT, API = DrawnLane("agent", ".20"), DrawnLane("API", "api.anthropic.com")


def made(*steps: DrawnStep, failed: bool = True) -> Drawing:
    return Drawing("e1", "", ("e1",), (AGENT, API), steps, failed)


def test_the_summary_draws_the_first_failed_call_and_where_it_broke() -> None:
    report = inspect(CAPTURES / "squid-denied")
    assert "\n".join(
        (
            "```mermaid",
            "sequenceDiagram",
            "    participant l0 as agent .20",
            "    participant l1 as API proxy .30",
            "    participant l2 as Squid .10",
            "    l0->>l1: POST /v1/messages (+0.0 ms)",
            "    l1->>l2: CONNECT api.anthropic.com#58;443 (+14.3 ms)",
            "    l2-xl1: 403 ERR_ACCESS_DENIED 0 (+14.9 ms)",
            "    Note over l1,l2: here it broke",
            "    l1-xl0: 403 Forbidden (+19.5 ms)",
            "```",
        )
    ) in render(report)


def test_without_a_failed_call_there_is_no_diagram() -> None:
    assert "mermaid" not in render(inspect(CAPTURES / "healthy-sse"))


@pytest.mark.parametrize("text", [*HOSTILE.values(), ALL, "end", "; l0->>l1: x", "%%{init: {}}%%"])
def test_a_text_in_it_is_data(text: str) -> None:
    step = DrawnStep(0, AGENT, API, text, "e1", text, tone="bad")
    told = sequence(replace(made(step), lanes=(AGENT, replace_place(API, text)), steps=(
        replace(step, target=replace_place(API, text)),
    )))  # fmt: skip
    assert foreign_statements(f"```mermaid\n{told}```\n") == set()
    assert told.count("\n") == 5


def replace_place(lane: DrawnLane, place: str) -> DrawnLane:
    return lane._replace(place=place)


def test_a_call_of_many_steps_draws_the_first_ones_and_says_so() -> None:
    told = sequence(made(*(DrawnStep(at, AGENT, API, "again", "e1") for at in range(STEPS + 5))))
    assert told.count("again") == STEPS
    assert "5 more steps" in told


def test_what_nobody_saw_is_dotted_and_what_failed_is_crossed() -> None:
    told = sequence(
        made(
            DrawnStep(None, AGENT, API, "unseen", "e1", tone="unknown"),
            DrawnStep(5_000_000, API, AGENT, "failed", "e1", tone="bad"),
        )
    )
    assert "l0-->>l1: unseen\n" in told
    assert "l1-xl0: failed (+0.0 ms)\n" in told


def test_the_diagram_of_a_decrypted_call_breaks_at_the_api() -> None:
    report = inspect(CAPTURES / "h4-401-inside-tunnel", options=Options(finds_keys=True))
    view = View(report)
    told = sequence(Drawings(view).of("e1")).splitlines()
    broke = next(at for at, line in enumerate(told) if "here it broke" in line)
    assert told[broke - 1].startswith("    l3-xl1: 401 Unauthorized")
