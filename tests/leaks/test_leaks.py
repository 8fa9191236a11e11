"""No case leaks that is not recorded, and none is recorded that leaks no more.

A sample; `make leaks` runs all.
"""

from __future__ import annotations

from pathlib import Path

from tests.leaks import harness, planted
from tests.leaks.artifacts import artifacts, without_fingerprints
from tests.leaks.cases import cases, pair
from tests.leaks.record import Record, difference, today
from tests.truth.beside import needs

OWN_STEP = 5
PLANTED_STEP = 7


def test_what_leaks_is_what_is_recorded(tmp_path: Path) -> None:
    assert difference(harness.seen(tmp_path / "work", OWN_STEP), today()) == []


@needs(planted.ARCHIVE.name)
def test_what_leaks_of_planted_captures_is_what_is_recorded(tmp_path: Path) -> None:
    folder = planted.unpacked(tmp_path / "planted")
    seen = planted.seen(folder, tmp_path / "work", PLANTED_STEP)
    assert len(seen.lines) > 50
    assert difference(seen, today()) == []


def test_the_record_is_about_cases_that_there_are(tmp_path: Path) -> None:
    names = {(case.kind, case.name) for case in cases()}
    own = {key[1:] for key in today().lines if key[0] != planted.SUITE}
    assert own - names == set()
    assert len(names) == len(list(cases()))


def test_the_same_key_twice_gives_the_same_outputs(tmp_path: Path) -> None:
    # Otherwise a difference between two keys would prove nothing.
    for case in list(cases())[::40]:
        key, _ = pair(case.name, case.shape)
        first, second = (artifacts(case.built(key), tmp_path / "work") for _ in range(2))
        assert {name: without_fingerprints(data) for name, data in first.items()} == {
            name: without_fingerprints(data) for name, data in second.items()
        }


def test_both_keys_of_a_pair_are_alike_and_share_no_letter() -> None:
    for shape in ("unshaped", "anthropic"):
        one, other = pair("any", shape)
        assert len(one.text) == len(other.text)
        assert one.text.removesuffix(one.secret) == other.text.removesuffix(other.secret)
        assert one.secret.isalpha()
        assert not any(a == b for a, b in zip(one.secret, other.secret, strict=True))


# -- the record itself -----------------------------------------------------------------

KNOWN = Record({("found", "L", "a"): frozenset({"redact", "terminal"})})


def test_a_new_leak_and_a_leak_that_has_gone_are_both_told() -> None:
    seen = Record({("found", "L", "a"): frozenset({"redact", "jsonl"})})
    (anew, gone) = difference(seen, KNOWN)
    assert "leaks anew in jsonl" in anew
    assert "leaks no more in terminal" in gone


def test_what_was_not_looked_at_is_not_judged() -> None:
    assert difference(Record(), KNOWN) == []


def test_the_record_is_lowered_and_never_raised() -> None:
    seen = Record({("found", "L", "a"): frozenset({"redact", "jsonl"})})
    assert KNOWN.lowered(seen).lines == {("found", "L", "a"): frozenset({"redact"})}


def test_the_record_is_read_as_it_is_written() -> None:
    assert Record.read(KNOWN.written()) == KNOWN
