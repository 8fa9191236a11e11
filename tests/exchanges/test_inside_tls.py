"""What is read inside TLS without a tunnel has the provider that its client asked for by name."""

from __future__ import annotations

import pytest

from inspector.decryption.keystore import Keystore
from inspector.inspection import Inspector, Sources
from inspector.model.capture import KeyMaterial
from inspector.model.report import Report
from inspector.options import Options
from tests.decryption.made import Talk, log
from tests.exchanges.network import AGENT, FINGERPRINT_KEY, Network, connect, request, response
from tests.flows.build import Tcp, batch

LABELS = (
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
)


def call(sni: str | None) -> Talk:
    talk = Talk(sni=sni).tell(True, request("GET /v1/models HTTP/1.1", "x-api-key: LABONLY"))
    return talk.tell(False, response("401 Unauthorized"))


def report(net: Network, tcp: Tcp, talk: Talk) -> Report:
    for up, data in talk.flights:
        tcp.send(up, data)
        tcp.ack(not up)
    tcp.close()
    keys = Keystore()
    keys.read(log(0x1301, *LABELS), "keylog")
    inspector = Inspector(Options(scope="all", fingerprint_key=FINGERPRINT_KEY), keys=keys)
    inspector.feed(batch(net.wire.packets))
    return inspector.finish(Sources(keys=KeyMaterial(("keys.log",), 0, 4, 0)))


@pytest.mark.parametrize(
    ("sni", "provider", "service"),
    [
        ("api.anthropic.com", "anthropic", "api.anthropic.com"),
        ("api.openai.com", "openai", "api.openai.com"),
        ("lab.test", "unknown", "lab.test"),
        (None, "unknown", "203.0.113.7"),
    ],
)
def test_the_provider_of_direct_tls_is_that_of_its_sni(
    sni: str | None, provider: str, service: str
) -> None:
    net = Network()
    told = report(net, net.to("203.0.113.7", 443, AGENT), call(sni))
    (exchange,) = told.exchanges
    assert exchange.decrypted
    assert exchange.tunnel is None
    assert exchange.provider == provider
    assert exchange.response
    assert exchange.response.status == 401
    (client,) = told.clients
    assert (client.provider, client.service.ip, client.service.port) == (provider, service, 443)
    assert told.direct_tls[0].decryption
    assert told.direct_tls[0].decryption.state == "decrypted"


def test_in_a_tunnel_it_is_that_of_the_connect() -> None:
    net = Network()
    tcp = net.to_squid()
    tcp.up(connect("api.openai.com:443")).down(b"HTTP/1.1 200 Connection established\r\n\r\n")
    told = report(net, tcp, call("api.anthropic.com"))
    (inner,) = [exchange for exchange in told.exchanges if exchange.decrypted]
    assert inner.provider == "openai"


def test_a_key_in_an_sni_is_not_shown() -> None:
    net = Network()
    name = "sk-ant-api03-LABONLY" + 43 * "x"
    told = report(net, net.to("203.0.113.7", 443, AGENT), call(name))
    assert "LABONLY" not in told.clients[0].service.ip
