"""A `Fact` does not change, and is a dataclass for whoever asks."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import pprint
import typing
from collections.abc import Mapping

import pytest

from inspector.fact import Fact, field, replace
from inspector.model.network import Endpoint


class Seen(Fact):
    """What a test sees."""

    name: str
    at: int = 0
    notes: Mapping[str, int] = field(default_factory=dict)


class Late(Seen, kw_only=True):
    """The same, later."""

    delay: int


def test_a_fact_does_not_change() -> None:
    seen = Seen("a")
    with pytest.raises(AttributeError):
        seen.name = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        seen.more = 1  # type: ignore[attr-defined]
    assert replace(seen, name="b") == Seen("b")
    assert seen == Seen("a")


def test_facts_of_one_class_with_equal_fields_are_equal() -> None:
    assert Endpoint("a", 1) == Endpoint("a", 1)
    assert hash(Endpoint("a", 1)) == hash(Endpoint("a", 1))
    assert Endpoint("a", 1) != Endpoint("a", 2)
    assert Seen("a") != Late("a", delay=0)


def test_a_default_that_is_made_is_made_for_each() -> None:
    assert Seen("a").notes is not Seen("a").notes


@pytest.mark.parametrize("fact", [Seen("a", 1), Late("a", 1, delay=2)])
def test_a_fact_is_a_dataclass_for_whoever_asks(fact: Seen) -> None:
    assert dataclasses.is_dataclass(fact)
    assert dataclasses.is_dataclass(type(fact))
    values = {each.name: getattr(fact, each.name) for each in dataclasses.fields(fact)}
    assert values == dataclasses.asdict(fact)
    assert list(values)[:3] == ["name", "at", "notes"]
    assert dataclasses.replace(fact, at=9) == replace(fact, at=9)


@pytest.mark.parametrize("fact", [Seen("a" * 90, 1), Late("a" * 90, 1, delay=2)])
def test_a_fact_that_is_too_long_for_a_line_is_printed(fact: Seen) -> None:
    assert pprint.pformat(fact) == repr(fact)
    assert pprint.pformat([fact]) == f"[{fact!r}]"


def test_fields_have_the_defaults_of_their_class() -> None:
    name, at, notes = dataclasses.fields(Seen)
    assert name.default is dataclasses.MISSING
    assert name.default_factory is dataclasses.MISSING
    assert at.default == 0
    assert notes.default_factory is dict


def test_the_type_hints_of_a_fact_are_those_of_its_fields() -> None:
    assert list(typing.get_type_hints(Seen)) == ["name", "at", "notes"]


def test_a_fact_is_copied_and_packed() -> None:
    seen = Seen("a", 1, {"b": 2})
    assert copy.deepcopy(seen) == seen
    assert pickle.loads(pickle.dumps(seen)) == seen
