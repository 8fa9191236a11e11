"""How many calls, who made them, of what, and how they ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from inspector.diagnosis.outcome import SUCCEEDED, outcome_of
from inspector.model.addresses import path_of
from inspector.model.http import UNHEARD, Exchange, header
from inspector.policy.checks.demand import UNSEEN, Demand, Places, either, times
from inspector.policy.hearing import Hearing
from inspector.policy.model import Expect
from inspector.policy.patterns import is_like
from inspector.report.page import grouping, words

_CALLS: Final = "calls of agents, at the API proxy and wherever else they are"
_ANSWERS: Final = "answers on the agents' hop"
_NO_ANSWER: Final = "the answer is not in the capture, or was not read"
#: What became of a call that may have failed: not all of it was captured, or read.
_UNTOLD: Final = ("unknown", "unread")
#: The client's own count of its tries, by the SDKs of Stainless.
_RETRY_COUNT: Final = "x-stainless-retry-count"


def _forbid(expect: Expect) -> str | None:
    if not expect.forbid or expect.hosts is not None:
        return None
    return "no call" if expect.provider == "any" else f"no call to {expect.provider}"


def _hold_forbid(hearing: Hearing, wanted: str) -> None:
    hearing.breach(wanted, "a call", (call.id for call in hearing.calls))
    hearing.needs_calls(wanted)


def _min_calls(expect: Expect) -> str | None:
    return f"at least {words.count(expect.min_calls, 'call')}" if expect.min_calls else None


def _hold_min_calls(hearing: Hearing, wanted: str) -> None:
    # An answer whose request was not seen may be one to a look at the API proxy's health.
    seen = sum(call.request is not None for call in hearing.calls)
    if seen >= hearing.expect.min_calls:
        return
    if hearing.subject.whole:
        hearing.breach_anywhere(wanted, str(seen))
    else:
        hearing.doubt(wanted, f"{seen}; {hearing.subject.lacking}")


def _max_calls(expect: Expect) -> str | None:
    most = expect.max_calls
    return None if most is None else f"at most {words.count(most, 'call')}"


def _hold_max_calls(hearing: Hearing, wanted: str) -> None:
    most = hearing.expect.max_calls or 0
    beyond = [call.id for call in hearing.calls[most:]]
    hearing.breach(wanted, str(len(hearing.calls)), beyond)
    if not beyond:
        hearing.needs_calls(wanted)


def _max_retries(expect: Expect) -> str | None:
    most = expect.max_retries
    if most is None:
        return None
    return f"no call tried again more than {times(most)}" if most else "no call tried again"


def _hold_max_retries(hearing: Hearing, wanted: str) -> None:
    most = hearing.expect.max_retries or 0
    for tries in _tries(hearing.calls):
        told = max((_told_retries(call) for call in tries), default=0)
        retries = max(len(tries) - 1, told)
        if retries > most:
            found = f"one tried again {times(retries)}"
            hearing.breach(wanted, found, (call.id for call in tries))
    hearing.needs_calls(wanted)


def _tries(calls: Iterable[Exchange]) -> Iterator[list[Exchange]]:
    """Runs of the same request, each sent again because the one before it failed.

    The same is what one client asks of one provider with the same method, target and length
    of body: what is in the body no report says.
    """
    open_: dict[tuple[object, ...], list[Exchange]] = {}
    for call in calls:
        request = call.request
        if request is None:
            continue
        key = (
            call.client.ip, request.user_agent, call.provider, request.method, request.target,
            request.body_bytes,
        )  # fmt: skip
        tries = open_.setdefault(key, [])
        tries.append(call)
        if outcome_of(call) in SUCCEEDED:
            yield open_.pop(key)
    yield from open_.values()


def _told_retries(call: Exchange) -> int:
    count = None if call.request is None else header(call.request, _RETRY_COUNT)
    return int(count) if count and count.isascii() and count.isdigit() else 0


def _max_failed(expect: Expect) -> str | None:
    most = expect.max_failed
    return None if most is None else f"at most {words.count(most, 'failed call')}"


def _hold_max_failed(hearing: Hearing, wanted: str) -> None:
    failed = [call for call in hearing.calls if outcome_of(call) not in SUCCEEDED]
    if len(failed) > (hearing.expect.max_failed or 0):
        hearing.breach(wanted, str(len(failed)), (call.id for call in failed))
        return
    unknown = [call.id for call in hearing.calls if outcome_of(call) in _UNTOLD]
    hearing.needs_calls(wanted, unknown, _NO_ANSWER)


def _statuses(expect: Expect) -> str | None:
    return None if expect.statuses is None else f"status {either(expect.statuses)}"


def _hold_statuses(hearing: Hearing, wanted: str) -> None:
    others, unknown = Places(), []
    for call in hearing.calls:
        if _is_one_of(call, hearing.expect.statuses or ()):
            continue
        if call.response is None and call.ended_by in UNHEARD:
            unknown.append(call.id)
        else:
            status = grouping.status(call)
            others.add("no answer" if status == "none" else f"status {status}", call.id)
    others.tell(hearing, wanted)
    hearing.needs_calls(wanted, unknown, _NO_ANSWER)


def _is_one_of(call: Exchange, statuses: tuple[str, ...]) -> bool:
    status = grouping.status(call)
    if status == "101" and call.upgrade is not None:
        return bool({"101", "1xx", "2xx"} & set(statuses))  # it did what was asked for
    return status in statuses or f"{status[0]}xx" in statuses


def _clients(expect: Expect) -> str | None:
    return None if expect.clients is None else f"no client but {either(expect.clients)}"


def _hold_clients(hearing: Hearing, wanted: str) -> None:
    others, unknown = Places(), []
    for call in hearing.calls:
        request = call.request
        agent = None if request is None else request.user_agent
        if agent is not None:
            if not is_like(agent, hearing.expect.clients or ()):
                others.add(agent, call.id)
        elif request is None or not request.complete:
            unknown.append(call.id)
        else:
            others.add("one that does not say who it is", call.id)
    others.tell(hearing, wanted)
    hearing.needs_calls(wanted, unknown, UNSEEN)


def _models(expect: Expect) -> str | None:
    return None if expect.models is None else f"no model but {either(expect.models)}"


def _hold_models(hearing: Hearing, wanted: str) -> None:
    """By what answers say: an error names no model, and cost nothing."""
    others, unknown = Places(), []
    for call in hearing.calls:
        response = call.response
        if response is not None and response.model is not None:
            if not is_like(response.model, hearing.expect.models or ()):
                others.add(response.model, call.id)
        elif response is None or response.status < 400:
            unknown.append(call.id)
    others.tell(hearing, wanted)
    hearing.needs_calls(wanted, unknown, "the answer names no model that could be read")


def _paths(expect: Expect) -> str | None:
    return None if expect.paths is None else f"no path but {either(expect.paths)}"


def _hold_paths(hearing: Hearing, wanted: str) -> None:
    others, unknown = Places(), []
    for call in hearing.calls:
        if call.request is None:
            unknown.append(call.id)
            continue
        path = path_of(call.request.target)
        if not is_like(path, hearing.expect.paths or ()):
            others.add(path, call.id)
    others.tell(hearing, wanted)
    hearing.needs_calls(wanted, unknown, "the request was not seen")


CHECKS: Final = (
    Demand(("forbid",), _CALLS, _forbid, _hold_forbid),
    Demand(("statuses",), _ANSWERS, _statuses, _hold_statuses),
    Demand(("min_calls",), _CALLS, _min_calls, _hold_min_calls),
    Demand(("max_calls",), _CALLS, _max_calls, _hold_max_calls),
    Demand(("max_retries",), _CALLS, _max_retries, _hold_max_retries),
    Demand(("max_failed",), _ANSWERS, _max_failed, _hold_max_failed),
    Demand(("clients",), _CALLS, _clients, _hold_clients),
    Demand(("models",), _ANSWERS, _models, _hold_models),
    Demand(("paths",), _CALLS, _paths, _hold_paths),
)
