"""A policy from a good run, to start from: what `inspector check --init` prints.

It asks for what the run shows and nothing beside: the providers that were called, the names in
which credentials stood, the statuses, the hosts that were reached.  A user reads it and cuts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from inspector.model.http import Exchange
from inspector.model.report import Report
from inspector.policy.fields import header, host
from inspector.policy.hearing import Subject
from inspector.policy.model import FORMAT
from inspector.policy.ways_out import WayOut
from inspector.report.page import grouping


def starting_policy(report: Report) -> str:
    """The policy as a TOML file.  No captured text stands in it but what the format allows."""
    return "\n".join(_lines(Subject(report))) + "\n"


def _lines(subject: Subject) -> Iterator[str]:
    yield "# Made from one run: read it, and cut what is by accident (docs/policy.md)."
    yield f"schema = {FORMAT}"
    yield 'extends = "awf"'
    yield "require_calls = true"
    by_provider: dict[str, list[Exchange]] = {}
    for call in subject.view.page.calls:
        by_provider.setdefault(call.provider, []).append(call)
    for provider, calls in sorted(by_provider.items()):
        yield ""
        yield "[[expect]]"
        yield f"name = {_text(f'calls-to-{provider}')}"
        yield f"provider = {_text(provider)}"
        names = {
            auth.name.lower(): auth.name
            for call in calls
            if call.request
            for auth in call.request.auth
        }
        without = any(call.request is not None and not call.request.auth for call in calls)
        if names and not without:
            yield f"auth = {_list(name for name in names.values() if header(name) is None)}"
        statuses = {grouping.status(call) for call in calls} - {"none"}
        if statuses:
            yield f"statuses = {_list(statuses)}"
        yield "min_calls = 1"
    if reached := {way for way in map(_authority, subject.ways) if way is not None}:
        yield ""
        yield "[[expect]]"
        yield 'name = "ways-out"'
        yield f"hosts = {_list(reached)}"


def _authority(way: WayOut) -> str | None:
    """Where a way out leads, if the format can say it."""
    told = way.authority()
    return told if way.hosts and host(told) is None else None


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, sorted(items)))}]"


def _text(text: str) -> str:
    return json.dumps(text)  # a basic string of TOML is one of JSON
