"""Compares a report with a pattern, such as that of an `expected.json`.

Of each object the fields that stand in the pattern must be equal, of each list every element must
have its partner, in any order, and none may be left over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.conclusions import weighty


def deviations(pattern: Mapping[str, Any], stable: Mapping[str, Any]) -> list[str]:
    """Where a report's stable part is not as an `expected.json` says; empty when it is.

    Findings that are notes are not looked at.
    """
    return differences(pattern, weighty(stable))


def differences(pattern: object, found: object, path: str = "report") -> list[str]:
    """Where `found` (a report's stable part) is not as the pattern says; empty when it is.

    The elements of a list of objects are partners by content, in any order.
    """
    if isinstance(pattern, Mapping):
        if not isinstance(found, Mapping):
            return [f"{path}: {found!r} where an object ought to be"]
        return [
            text
            for name, value in pattern.items()
            for text in differences(value, found.get(name), f"{path}.{name}")
        ]
    if isinstance(pattern, list) and isinstance(found, list) and _objects(pattern + found):
        return _unpaired(pattern, found, path)
    return [] if pattern == found else [f"{path}: {found!r} where {pattern!r} ought to be"]


def _objects(items: list[Any]) -> bool:
    return any(isinstance(item, Mapping) for item in items)


def _unpaired(pattern: list[Any], found: list[Any], path: str) -> list[str]:
    """What is without a partner on either side, when as many as possible have one."""
    fits = [
        [at for at, other in enumerate(found) if not differences(item, other)] for item in pattern
    ]
    partner: dict[int, int] = {}  # of a found element: its pattern

    def paired(item: int, tried: set[int]) -> bool:
        # Kuhn's augmenting path: a partner is free, or its present pattern finds another.
        for at in fits[item]:
            if at not in tried:
                tried.add(at)
                if at not in partner or paired(partner[at], tried):
                    partner[at] = item
                    return True
        return False

    missing = [item for at, item in enumerate(pattern) if not paired(at, set())]
    left = [item for at, item in enumerate(found) if at not in partner]
    texts = [f"{path} lacks {json.dumps(item)}" for item in missing]
    return texts + [f"{path} has besides {json.dumps(item)}" for item in left]
