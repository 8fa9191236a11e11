"""Each target of the guided fuzzing reads its own seeds, and what is damaged a little."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import targets
from tests.fuzz.talks import damaged
from tests.fuzz.targets import CORPUS, TARGETS, Target, corpus, run


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_reads_its_seeds(name: str) -> None:
    found = corpus(name)
    assert found
    for data in (*found.values(), b"", b"\x00", b"\xff" * 40):
        run(name, data)


@pytest.mark.parametrize("count", [15, pytest.param(600, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", TARGETS)
def test_a_target_reads_what_is_damaged(name: str, count: int) -> None:
    for seed, (kind, data) in enumerate(corpus(name).items()):
        rng = random.Random(f"{name} {kind} {seed}")
        for _ in range(count):
            run(name, damaged(data, rng))


def test_the_corpus_is_small_and_has_no_other_targets() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    sizes = [path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(sizes) < 200_000


def test_what_a_target_may_not_raise_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: bytes) -> None:
        raise ValueError(data) if data == b"v" else KeyError(data)

    monkeypatch.setitem(targets.TARGETS, "http1", Target(fails, (ValueError,)))
    run("http1", b"v")
    with pytest.raises(KeyError):
        run("http1", b"k")
