"""What a request carries behind its body is sent as well: a credential there is one."""

from __future__ import annotations

import pytest

from tests.exchanges.network import KEY, PLACEHOLDER, Network, only_exchange, response
from tests.exchanges.test_http2 import played
from tests.protocols.http2_memory import ASK, JSON, Talk
from tests.redaction.test_marks import same

HEAD = (
    f"POST /v1/messages HTTP/1.1\r\nHost: lab.test\r\nx-api-key: {PLACEHOLDER}\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
)


def sent(net: Network) -> list[tuple[str, str]]:
    request = only_exchange(net.report()).request
    assert request is not None
    return [(header.name, header.credential.kind) for header in request.auth]


def chunked(size: int, name: str, value: str) -> Network:
    net = Network()
    tcp = net.to_api_proxy()
    data = f"{HEAD}2\r\n{{}}\r\n0\r\n{name}: {value}\r\n\r\n".encode()
    for at in range(0, len(data), size):
        tcp.up(data[at : at + size]).ack(False)
    tcp.down(response()).ack(True).close()
    return net


@pytest.mark.parametrize("size", [1448, 40, 1])
@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("X-Api-Key", KEY, "anthropic-api-key"),
        ("Authorization", f"Bearer {KEY}", "anthropic-api-key"),
        ("Cookie", "session=LABONLYabcdef0123456789", "unknown"),
        ("x-api-key", PLACEHOLDER, "placeholder"),
    ],
)
def test_a_credential_in_a_trailer_is_reported_and_so_is_that_of_its_copy(
    name: str, value: str, kind: str, size: int
) -> None:
    net = chunked(size, name, value)
    assert sent(net) == [("x-api-key", "placeholder"), (name, kind)]
    copied = same(net.wire)
    assert KEY.encode() not in b"".join(part.data for part in copied)


def test_a_trailer_that_is_no_position_is_none() -> None:
    assert sent(chunked(1448, "X-Lab", "LABONLY")) == [("x-api-key", "placeholder")]


def test_a_real_key_in_a_trailer_is_a_finding() -> None:
    codes = [finding.code for finding in chunked(1448, "X-Api-Key", KEY).report().findings]
    assert "real-key-on-agent-hop" in codes


def test_trailers_of_http_2_are_looked_at_as_well() -> None:
    talk = Talk()
    stream = talk.client.get_next_available_stream_id()
    talk.client.send_headers(stream, list(ASK))
    talk.client.send_data(stream, b"{}")
    talk.client.send_headers(stream, [("authorization", f"Bearer {KEY}")], end_stream=True)
    talk.pump()
    talk.answer(stream, JSON, b"{}")
    kinds = sent(played(talk))
    assert kinds == [("x-api-key", "placeholder"), ("authorization", "anthropic-api-key")]


def test_a_key_in_a_trailer_is_known_where_it_is_echoed() -> None:
    key = "LABONLYabcdefghij0123456789klmnopqrst"
    net = chunked(1448, "X-Api-Key", key)
    tcp = net.to_api_proxy()
    tcp.up(f"GET /v1/{key} HTTP/1.1\r\nHost: lab.test\r\n\r\n".encode()).down(response()).close()
    assert key not in repr(net.report())
