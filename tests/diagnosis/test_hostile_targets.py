"""What stands in a target, a Host, a CONNECT or a Location is text, and breaks no rule.

A text that is no URL raised out of `urlsplit`; one with braces out of `str.format`, when a sentence
with captured text in it was filled.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

from inspector import diagnosis
from inspector.inspection import Inspector
from inspector.model.report import Report
from inspector.report.page import terminal
from tests.diagnosis.calls import API_SAYS, DENIED, KEY, called, error, found, openai, refusal
from tests.exchanges.network import (
    AGENT,
    ESTABLISHED,
    Network,
    connect,
    oddities,
    play,
    request,
    response,
    say,
    tls,
)
from tests.flows.build import batch
from tests.policy.checks.holding import held

HOSTILE: Final = (
    "http://[",
    "//[",
    "https://[::1/v1/messages",
    "http://a:99999/v1/messages",
    "http://a:\xb2/v1/messages",
    "http://\u2100.test/v1/messages".encode().decode("latin-1"),
    "/{x}/v1/messages",
    "/v1/v1/{host}/{0}/{}/messages",
    "/%s/%(x)s/v1/messages",
    "/v1/messages#[",
    "{}",
    "*",
    ":",
)

#: An answer of each kind that leads to sentences about the target.
ANSWERS: Final = (
    response("200 OK", *API_SAYS, body=b"{}"),
    refusal(400, body=error("messages: at least one is required")),
    refusal(401, body=openai("No api key", code="invalid_api_key")),
    refusal(403, body=openai("Project does not have access to model m", code="model_not_found")),
    refusal(404, body=openai("Invalid URL (POST /x)")),
    refusal(404, kind="text/html", body=b"<html>nothing here</html>"),
    refusal(405),
    refusal(426),
    refusal(500, body=error("Internal server error")),
    refusal(529, body=error("Overloaded")),
    response("502 Bad Gateway", "Content-Type: application/json", body=b'{"error":"Proxy error"}'),
    DENIED,
)


def asked(target: str, port: int) -> Network:
    """A call for this target with each of the answers, by tunnels and without, six times denied."""
    net = Network()
    call = b"POST " + target.encode("latin-1") + b" HTTP/1.1\r\n"
    call += request("", KEY).partition(b"\r\n")[2]
    for answer in (*ANSWERS, *[DENIED] * 6):
        tcp = net.to_api_proxy(port).send(True, call).ack(False)
        if answer != DENIED:
            play(say(net.to_squid(), connect("api.openai.com:443"), ESTABLISHED), tls()).close()
        tcp.send(False, answer).ack(True).close()
    moved = b"HTTP/1.1 307 X\r\nlocation: " + target.encode("latin-1")
    for status in (b"302", b"307"):
        away = moved.replace(b"307", status) + b"\r\ncontent-length: 0\r\n\r\n"
        say(net.to_api_proxy(port), call, away).close()
    say(net.to_api_proxy(port), call).end(False).end(True)
    say(net.to_squid(AGENT), call, DENIED).close()
    return net


def connected(authority: bytes) -> Network:
    """Tunnels to this authority, of the agent and for a call: refused, silent, and opened."""
    net = Network()
    line = b"CONNECT " + authority + b" HTTP/1.1\r\nHost: " + authority + b"\r\n\r\n"
    say(net.to_squid(AGENT), line, DENIED).close()
    say(net.to_squid(AGENT), line).end(True).end(False)
    play(say(net.to_squid(AGENT), line, ESTABLISHED), tls()).close()
    for answer in (DENIED, response("503 X", "X-Squid-Error: ERR_CONNECT_FAIL 111"), ESTABLISHED):
        tcp = net.to_api_proxy().send(True, request("POST /v1/messages HTTP/1.1", KEY)).ack(False)
        say(net.to_squid(), line, answer).close()
        tcp.send(False, response("502 Bad Gateway", body=b'{"error":"Proxy error"}')).close()
    return net


def told(net: Network) -> Report:
    """The report, with its page and a policy that looks at every path and way out."""
    inspector = Inspector()
    inspector.feed(batch(net.wire.packets))
    report = inspector.finish()
    assert "internal-error" not in oddities(report)
    assert terminal.render(report, verbosity=2)
    assert held(report, paths=("/v1/messages",), forbid=False).exit_code is not None
    return report


@pytest.mark.parametrize("target", HOSTILE)
def test_no_target_and_no_location_breaks_a_rule(target: str) -> None:
    report = told(asked(target, 10000 + len(target) % 2))

    assert len(report.exchanges) >= len(ANSWERS)
    assert report.root_cause is not None
    assert len(found(report)) > 6


@pytest.mark.parametrize(
    "authority", [b"[:443", b"{x}:443", b"a:\xb2", b"a:99999", b":443", b"a", b"[::1", b"%s:443"]
)
def test_no_authority_breaks_a_rule(authority: bytes) -> None:
    report = told(connected(authority))

    assert len(report.tunnels) == 6
    assert report.root_cause is not None


@pytest.mark.parametrize("path", ["/{x}/v1/messages", "/{}/{0}/v1/messages", "/%s/v1/messages"])
def test_braces_in_a_path_are_quoted_as_they_are(path: str) -> None:
    extra = path.removesuffix("/v1/messages")

    cause = called(request(f"POST {path} HTTP/1.1", KEY), refusal(404)).root_cause

    assert cause is not None
    assert cause.code == "wrong-path"
    assert path in cause.sentence
    assert f"Take {extra} out of the client's ANTHROPIC_BASE_URL" in cause.advice


def test_no_template_is_made_of_what_was_captured() -> None:
    """A sentence is filled first and joined to captured text then: an f-string is no template."""
    wrong = []
    for path in sorted(Path(diagnosis.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            template: ast.expr | None = None
            if isinstance(called, ast.Attribute) and called.attr == "format":
                template = called.value
            elif ast.unparse(called) in ("answers.filled", "filled"):
                template = node.args[0]
            if template is not None and any(
                isinstance(part, ast.FormattedValue) for part in ast.walk(template)
            ):
                wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []
