"""What a finding quotes of an error is cut, and no label of a masked value with it."""

from __future__ import annotations

import json

import pytest

from tests.diagnosis.calls import API_SAYS, CALL, called, cause
from tests.exchanges.network import response

#: A key that exists nowhere.
KEY = "sk-ant-api03-LABONLY" + 86 * "k" + "AA"


@pytest.mark.parametrize("before", range(228, 300, 6))
def test_the_label_of_a_key_in_an_error_is_quoted_whole_or_not_at_all(before: int) -> None:
    told = {"type": "error", "error": {"type": "a", "message": f"{'w' * before} {KEY} is bad"}}
    answer = response("401 Unauthorized", *API_SAYS, body=json.dumps(told).encode())
    found = cause(called(CALL, answer))
    for line in (found.sentence, *found.details):
        assert len(line) <= 330
        assert line.count("<") == line.count(">")
