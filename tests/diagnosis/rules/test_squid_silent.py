"""squid-silent: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from inspector.model.report import Report
from tests.diagnosis.calls import CALL, DENIED, PROXY_SAYS, cause, found, golden, proxy_error
from tests.diagnosis.degraded import frames, report_of
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import Network, connect, response


def silent(*, by_proxy: bool = True, answer: bytes | None = None) -> Report:
    """A call whose CONNECT gets no answer, or this one, before one side closes."""
    net = Network()
    call = net.to_api_proxy().up(CALL).ack(False)
    tunnel = net.to_squid().up(connect()).ack(False)
    if answer is not None:
        tunnel.down(answer).ack(True)
    tunnel.end(by_proxy).end(not by_proxy)
    call.down(response("502 Bad Gateway", *PROXY_SAYS, body=proxy_error("socket hang up")))
    call.ack(True).close()
    return net.report()


@pytest.mark.parametrize(("by_proxy", "says"), [(True, "The API proxy"), (False, "Squid")])
def test_a_connect_without_a_byte_in_answer_is_one_whoever_gives_up(
    *, by_proxy: bool, says: str
) -> None:
    told = cause(silent(by_proxy=by_proxy))

    assert (told.code, told.explains, told.of) == ("squid-silent", 1, 1)
    assert told.details[0].startswith(f"{says} closed it after")
    assert "cache.log" in told.advice


def test_any_answer_is_none() -> None:
    assert "squid-silent" not in found(silent(answer=DENIED))
    assert "squid-silent" not in found(golden("tls-silence"))


def test_a_connect_on_a_connection_that_nobody_seems_to_have_taken_lacks_packets() -> None:
    """Squid's SYN and its 403 to the second CONNECT are not in the capture."""
    lost = {57, 61}
    kept = [each for each in frames(GOLDEN / "litellm-denied") if each.number not in lost]

    report = report_of(kept)

    assert set(found(report)) & {"squid-silent", "squid-denied"} == {"squid-denied"}
