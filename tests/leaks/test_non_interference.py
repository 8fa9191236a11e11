"""Nothing tells one key from another: two captures that differ in it leave the same.

`make leaks` draws some thousand more.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings

from tests.leaks.cases import pair
from tests.leaks.drawn import Drawn, drawn, leaking, left_of, told_apart

#: Public prefixes of letters alone; a mask keeps them.
KNOWN = (b"eyJ", b"AIza", b"AKIA", b"ASIA")


def interference(case: Drawn, folder: Path) -> list[str]:
    """What is wrong with one case, as sentences."""
    one, other = pair(str(case.seed), case.shape)
    if any(word in key.secret for word in KNOWN for key in (one, other)):
        return []  # by chance there is what begins a key that everyone knows
    first, second = case.built(one.text), case.built(other.text)
    left = left_of(first, folder)
    wrong = [f"a piece of the key in {name}" for name in sorted(leaking(one.secret, left))]
    if len(first) == len(second):
        left_of_other = left_of(second, folder)
        assert left.keys() == left_of_other.keys()
        wrong += [f"another {name} for another key" for name in told_apart(left, left_of_other)]
    return wrong


def test_two_keys_that_are_alike_leave_the_same(tmp_path: Path) -> None:
    @settings(max_examples=15)
    @given(drawn)
    def held(case: Drawn) -> None:
        assert interference(case, tmp_path) == []

    held()
