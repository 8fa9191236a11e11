"""client-aborted: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, found, golden
from tests.exchanges.network import response


def test_a_client_that_leaves_in_the_middle_aborted() -> None:
    assert "client-aborted" in found(golden("client-leaves-mid-stream"))


def test_a_client_that_leaves_after_the_last_event_did_not() -> None:
    assert "client-aborted" not in found(golden("client-leaves-after-done"))


def test_a_whole_answer_that_no_cause_explains_was_not_aborted() -> None:
    answer = response("502 Bad Gateway", *PROXY_SAYS, body=b'{"error":"Proxy error"}')

    assert "client-aborted" not in found(called(CALL, answer))
