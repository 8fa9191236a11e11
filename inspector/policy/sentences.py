"""A policy in words: what `inspector check --explain` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.errors import plain_parts
from inspector.model.conclusions import SEVERITIES
from inspector.policy.checks import CHECKS
from inspector.policy.model import Expect, Ignore, Policy, Requirement, WhenNotProven

REQUIRED: Final[dict[Requirement, str]] = {
    "complete": "The capture must be complete.",
    "logs": "The proxies' logs must be beside the capture.",
    "processes": "The process behind each call must be known, as a live capture knows it.",
}
CALLS: Final = "The run must have a call to an API."
_NOT_PROVEN: Final[dict[WhenNotProven, str]] = {
    "fail": "What the capture cannot prove fails the run (exit 5).",
    "warn": "What the capture cannot prove is said, and does not fail the run.",
    "pass": "What the capture cannot prove does not fail the run, and is said in the JSON alone.",
}


def sentences(policy: Policy) -> Iterator[str]:
    """What the policy demands, one sentence a line; expectations in the order of the file."""
    yield breaking(policy)
    for code, severity in policy.severity.items():
        yield f"The finding {code} counts as {severity}."
    for required in policy.require:
        yield REQUIRED[required]
    if policy.require_calls:
        yield CALLS
    for expect in policy.expect:
        yield from _expectation(expect, policy)
    for ignore in policy.ignore:
        yield _ignored(ignore)
    yield _NOT_PROVEN[policy.when_not_proven]


def breaking(policy: Policy) -> str:
    """Which findings break the policy."""
    if policy.fail_on is None:
        return "No finding breaks this policy."
    levels = SEVERITIES[: SEVERITIES.index(policy.fail_on) + 1]
    return f"A finding of level {' or '.join(levels)} breaks this policy (exit 3)."


def sentence_of(expect: Expect, wanted: str, policy: Policy) -> str:
    """What one check demands of an expectation's calls; `wanted` is the check's own words."""
    name = f"{plain_parts(expect.name)}: " if expect.name else ""
    mild = "" if policy.fails(expect.level) else f" (said as a {expect.level})"
    return f"{name}{_of(expect)}: {wanted}{mild}."


def _expectation(expect: Expect, policy: Policy) -> Iterator[str]:
    for check in CHECKS:
        wanted = check.wanted(expect)
        if wanted is not None:
            yield sentence_of(expect, wanted, policy)


def _of(expect: Expect) -> str:
    """Of which calls and ways out an expectation speaks."""
    of = "of all calls" if expect.provider == "any" else f"of calls to {expect.provider}"
    narrowed = (
        ("by clients like", expect.client),
        ("by the process", expect.process),
        ("by the container", expect.container),
        ("opened by the", expect.opened_by),
    )
    return " ".join((of, *(f"{words} {value}" for words, value in narrowed if value)))


def _ignored(ignore: Ignore) -> str:
    narrowed = (
        ("of", ignore.provider),
        ("by", ignore.client),
        ("to", ignore.host),
        ("up to", f"{ignore.count} times" if ignore.count else None),
        ("from", ignore.start and ignore.start.isoformat()),
        ("until", ignore.expires and ignore.expires.isoformat()),
    )
    passed = " ".join(("passed over", *(f"{word} {value}" for word, value in narrowed if value)))
    return f"{ignore.of} is {passed}: {plain_parts(ignore.reason)}"
