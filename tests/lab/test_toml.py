"""What is written is read back the same."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from lab.scenarios import catalogue
from lab.toml import dumps

text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
value = st.one_of(text, st.booleans(), st.integers(-(2**53), 2**53), st.lists(text))
name = st.text(min_size=1, alphabet="abc-_.1 é")


@given(st.dictionaries(name, st.one_of(value, st.dictionaries(name, value, min_size=1))))
def test_tables_of_plain_values_come_back(table: dict[str, object]) -> None:
    assert tomllib.loads(dumps(table)) == table


def test_long_prose_is_wrapped_and_comes_back() -> None:
    for scenario in catalogue().values():
        written = dumps({"learn": scenario.learn})
        assert tomllib.loads(written)["learn"] == scenario.learn
        assert max(map(len, written.splitlines())) < 110
