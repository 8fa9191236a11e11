"""A report of many calls, made of a few: each round is later and has ids of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from inspector.model.report import Report

_IDS: Final = frozenset({"id", "connection", "tunnel", "relays", "agent_exchange", "recovered_by"})
_LISTS: Final = frozenset({"upstream_exchanges", "exchanges", "attempts"})
#: Nanoseconds between two rounds.
_APART: Final = 3_000_000_000


def repeated(report: Report, rounds: int) -> Report:
    """The report with all of its exchanges, tunnels, connections and chains so many times."""
    step = max(len(report.exchanges), len(report.tunnels), len(report.connections))

    def again(facts: Iterable[Any]) -> tuple[Any, ...]:
        held = tuple(facts)
        return tuple(_later(fact, number, step) for number in range(rounds) for fact in held)

    return replace(
        report,
        exchanges=again(report.exchanges),
        tunnels=again(report.tunnels),
        connections=again(report.connections),
        chains=again(report.chains),
    )


def _later(fact: Any, number: int, step: int) -> Any:
    changed: dict[str, Any] = {}
    for field in fields(fact):
        value = getattr(fact, field.name)
        if value is None:
            continue
        if field.name.endswith("_at"):
            changed[field.name] = value + number * _APART
        elif field.name in _IDS:
            changed[field.name] = _renamed(value, number * step)
        elif field.name in _LISTS:
            changed[field.name] = tuple(_renamed(each, number * step) for each in value)
        elif field.name == "headers":
            changed[field.name] = tuple(
                (name, f"{text[:-7]}{number:06d}>" if text.startswith("<") else text)
                for name, text in value
            )
        elif field.name in ("request", "response") and is_dataclass(value):
            changed[field.name] = _later(value, number, step)
    return replace(fact, **changed)


def _renamed(name: str, by: int) -> str:
    return f"{name[0]}{int(name[1:]) + by}"
