"""A cause counts what is equal, and the other failed calls are told beside it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, cause, error, refusal
from tests.exchanges.network import Network, request, say


def _report(*calls: tuple[bytes, bytes, int]) -> Network:
    net = Network()
    for call, answer, port in calls:
        say(net.to_api_proxy(port), call, answer).close()
    return net


def test_unlike_calls_with_one_status_are_never_counted_together() -> None:
    disabled = refusal(403, body=error("Your organization has been disabled."))
    other = refusal(403, body=b'{"message":"access to this endpoint is forbidden"}')
    chat = request("POST /chat/completions HTTP/1.1")

    told = cause(
        _report((CALL, disabled, 10001), (CALL, disabled, 10001), (chat, other, 10002)).report()
    )

    assert (told.code, told.explains, told.of) == ("upstream-forbidden", 3, 3)
    assert "2 x 403" in told.sentence
    assert [group.count for group in told.others] == [1]
    assert told.others[0].evidence.exchange == "e3"


def test_several_causes_are_told_heaviest_first_each_with_its_advice() -> None:
    missing = refusal(401, body=error("x-api-key header is required"))
    model = refusal(404, body=error("no such model: claude-x"))
    limit = refusal(429, body=error("rate_limit"))

    told = cause(
        _report(
            *[(CALL, model, 10001)] * 3, *[(CALL, missing, 10001)] * 2, (CALL, limit, 10001)
        ).report()
    )

    assert (told.code, told.explains, told.of) == ("model-not-found", 3, 6)
    assert [(group.code, group.count) for group in told.others] == [
        ("credential-not-received", 2),
        ("upstream-rate-limited", 1),
    ]
    assert all(group.advice for group in told.others)


def test_numbers_in_a_message_do_not_make_a_call_another() -> None:
    answers = [refusal(429, body=error(f"rate limit: try again in {n} s")) for n in (3, 17, 254)]

    told = cause(_report(*[(CALL, answer, 10001) for answer in answers]).report())

    assert "3 x 429" in told.sentence
    assert told.others == ()
