"""call-unanswered: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, found
from tests.exchanges.network import response


def test_a_call_without_an_answer_is_unanswered_where_the_api_proxy_lives_on() -> None:
    assert "call-unanswered" in found(called(CALL, None))
    assert "call-unanswered" not in found(called(CALL, response("500 Error", *PROXY_SAYS)))
