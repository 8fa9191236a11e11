"""A soak is judged by what grew, and its agent varies what users vary."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import steady
from benchmarks.soak import ARENA, BYTES_A_CALL, Growth, Run, Sample, Usage, counts, family, usage

MB = 1_000_000


def samples(
    *, a_call: float = 0, leak: float = 0, threads: float = 0, rate: int = 100, count: int = 300
) -> list[Sample]:
    """A sample a second: what grows by the call, and descriptors and threads by the second."""
    return [
        Sample(
            at * rate,
            {
                7: Usage(round(60 * MB + a_call * at * rate), 20 + int(leak * at), 1),
                8: Usage(9 * MB, 5, 1 + int(threads * at)),
            },
        )
        for at in range(count)
    ]


def test_flat_memory_and_what_calls_leave_is_well() -> None:
    assert Growth.of(samples()).too_much() == []
    growth = Growth.of(samples(a_call=BYTES_A_CALL))
    assert growth.a_call == pytest.approx(BYTES_A_CALL)
    assert growth.too_much() == []


def test_memory_that_calls_do_not_explain_is_told_with_its_figure() -> None:
    (told,) = Growth.of(samples(a_call=2000)).too_much()
    assert told == (
        "memory grew by 20.0 MB over 10,000 calls, 2,000 bytes each; 7.2 MB are explained"
    )


def test_what_is_made_once_is_not_growth() -> None:
    first = [Sample(each.calls, {7: Usage(MB, 20, 1)}) for each in samples()[:100]]
    later = [Sample(each.calls, {7: Usage(90 * MB, 30, 2)}) for each in samples()[100:]]
    assert Growth.of(first + later).too_much() == []


def test_an_arena_for_each_process_is_no_leak() -> None:
    step = samples()
    step[200:] = [
        Sample(each.calls, {7: Usage(60 * MB + 2 * ARENA, 20, 1), 8: each.processes[8]})
        for each in step[200:]
    ]
    assert Growth.of(step).too_much() == []


def test_descriptors_and_threads_that_stay_open_are_told() -> None:
    assert Growth.of(samples(leak=0.02)).too_much() == ["descriptors grew from 27 to 29"]
    assert Growth.of(samples(threads=0.01)).too_much() == ["threads grew from 3 to 4"]


def test_a_file_that_is_open_for_a_moment_is_no_leak() -> None:
    moments = samples()
    for at in range(200, 300, 3):
        moments[at] = Sample(moments[at].calls, {7: Usage(60 * MB, 99, 9), 8: Usage(9 * MB, 5, 1)})
    assert Growth.of(moments).too_much() == []


def test_a_process_that_ended_is_told() -> None:
    cut = samples()
    cut[250:] = [Sample(each.calls, {7: each.processes[7]}) for each in cut[250:]]
    assert Growth.of(cut).too_much() == ["1 of 2 processes of the capture ended"]


def test_a_run_without_calls_is_not_well() -> None:
    assert Growth.of(samples(rate=0)).too_much() == ["no call was made between the halves"]


def test_a_run_that_is_too_short_is_not_judged() -> None:
    with pytest.raises(ValueError, match="too few"):
        Growth.of(samples(count=8))


def _run(
    status: int = 0, dropped: int = 0, told: int = 9, failed: int = 0, took: float = 62
) -> Run:
    exchange = {"server": {"port": steady.API_PORT}, "response": {"status": 200}}
    other = {"server": {"port": 3128}, "response": {"status": 200}}
    unanswered = {"server": {"port": steady.API_PORT}, "response": None}
    report: dict[str, Any] = {
        "live": {"interfaces": [{"received": 1000, "dropped": dropped}]},
        "exchanges": [*[exchange] * told, other, unanswered],
    }
    return Run(samples(), (9 + failed, 9, failed), 1.0, status, report, 60, took)


def test_a_run_has_every_call_and_dropped_nothing() -> None:
    assert _run().faults() == []
    assert _run(status=1).faults() == ["the capture ended with 1"]
    assert _run(dropped=7).faults() == ["7 of 1,000 packets were dropped"]
    assert _run(told=8).faults() == ["the report has 8 of 9 calls"]
    assert _run(failed=2).faults() == ["2 calls of the agent failed"]


def test_an_agent_that_cannot_call_as_fast_as_it_should_is_told() -> None:
    assert _run(took=90).faults() == [
        "the agent took 90 s for the calls of 60 s: 0 a second are what was measured"
    ]


def test_event_streams_leave_connections_for_other_calls() -> None:
    assert steady.connections(50) == steady.KEPT_CONNECTIONS
    assert steady.connections(500) == 100


def test_of_a_process_all_that_it_started_is_seen() -> None:
    async def with_a_child() -> tuple[list[int], int]:
        child = await asyncio.create_subprocess_exec("sleep", "60")
        try:
            return family(_self()), child.pid
        finally:
            child.kill()
            await child.wait()

    found, child = asyncio.run(with_a_child())
    assert found[0] == _self()
    assert child in found
    used = usage(_self())
    assert used is not None
    assert used.memory > MB
    assert used.descriptors >= 3
    assert usage(2**22 + 1) is None


def _self() -> int:
    return int(Path("/proc/self").readlink().name)


def test_the_last_whole_line_of_the_agent_counts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("[5, 4, 0]\n[9, 8, 1]\n[12, 1")
    assert counts(log) == (9, 8, 1)
    log.write_text("")
    assert counts(log) == (0, 0, 0)


def test_the_agent_varies_what_users_vary() -> None:
    """Its calls against its own API proxy and Squid, over loopback."""

    async def play() -> steady.Agent:
        servers = [
            await asyncio.start_server(handler, "127.0.0.1", 0)
            for handler in (steady.squid(), steady.api("127.0.0.1"))
        ]
        squid_port, api_port = (each.sockets[0].getsockname()[1] for each in servers)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(steady, "SQUID_PORT", squid_port)
            patched.setattr(steady, "API_PORT", api_port)
            patched.setattr(steady, "_EVENT_PAUSE", 0)
            agent = steady.Agent("127.0.0.1", 1e9)
            await agent.play(120)
            # The other ends of its connections have seen their close, too.
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others)
        for each in servers:
            each.close()
        return agent

    agent = asyncio.run(play())
    assert (agent.begun, agent.answered, agent.failed) == (120, 120, 0)
    keys = [steady.key(number) for number in range(160)]
    assert len({each for each in keys if "new" in each}) == 14
    assert len({each for each in keys if "kept" in each}) == 4
    assert sum("refused" in each for each in keys) == 10
    flights = steady.session()
    assert len(flights) == 4
    assert flights[0][:1] == flights[1][:1] == b"\x16"
    assert json.loads(steady.ANSWER)
