"""Calls at the API proxy for the tests of rules, and what the report of them says."""

from __future__ import annotations

import json
from typing import Final

from inspector import inspect
from inspector.diagnosis.case import Case
from inspector.model.conclusions import Finding, RootCause
from inspector.model.report import Report
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import (
    AGENT,
    ESTABLISHED,
    PLACEHOLDER,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)

KEY: Final = f"x-api-key: {PLACEHOLDER}"
CALL: Final = request("POST /v1/messages HTTP/1.1", KEY)
#: A call for another purpose.
OTHER: Final = request("POST /v1/messages/count_tokens HTTP/1.1", KEY)
#: Header names as the API writes them, and as the API proxy does.
API_SAYS: Final = ("content-type: application/json", "request-id: req_1")
PROXY_SAYS: Final = ("Content-Type: application/json",)
#: A body of an answer that went well.
WELL: Final = b'{"type":"message","content":[],"model":"m"}'
DENIED: Final = response("403 Forbidden", "X-Squid-Error: ERR_ACCESS_DENIED 0")


def found(report: Report) -> dict[str, Finding]:
    return {finding.code: finding for finding in report.findings}


def case_of(report: Report) -> Case:
    """The case of what a report tells, as a diagnosis without a walk of its own takes it."""
    return Case(
        exchanges=report.exchanges,
        tunnels=report.tunnels,
        connections=report.connections,
        direct_tls=report.direct_tls,
        chains=report.chains,
        topology=report.topology,
        completeness=report.completeness,
    )


def cause(report: Report) -> RootCause:
    assert report.root_cause is not None
    return report.root_cause


def called(call: bytes, answer: bytes | None) -> Report:
    """The report of one call of the agent to the API proxy, which lives on.

    The call that shows it is for something else: it does not make the first one good.
    """
    net = Network()
    tcp = net.to_api_proxy()
    if answer is None:
        tcp.up(call).ack(False).end(False).end(True)
    else:
        say(tcp, call, answer).close()
    say(net.to_api_proxy(), OTHER, response("200 OK", *API_SAYS, body=WELL)).close()
    return net.report()


def error(message: str) -> bytes:
    return b'{"type":"error","error":{"type":"x","message":"' + message.encode() + b'"}}'


def proxy_error(message: str) -> bytes:
    """The API proxy's own 502, as it writes it (August 2026)."""
    return json.dumps({"error": "Proxy error", "message": message}).encode()


def sent(server: str, port: int, line: str, *fields: str, client: str = AGENT) -> Report:
    net = Network()
    say(net.to(server, port, client), request(line, *fields), response()).close()
    return net.report()


def golden(name: str) -> Report:
    """The report of a golden capture; never from a cache, for a rule may have been mutated."""
    return inspect(GOLDEN / name)


def through(
    host: str,
    call: bytes,
    *answers: bytes,
    port: int = 10001,
    times: int = 1,
    net: Network | None = None,
) -> Report:
    """The report of a call that the API proxy passes on by a tunnel to `host`, once or more."""
    net = net or Network()
    for turn in range(times):
        for answer in answers:
            tcp = net.to_api_proxy(port)
            tcp.send(True, call).ack(False)
            far = say(net.to_squid(), connect(f"{host}:443"), ESTABLISHED)
            play(far, tls(turn))
            tcp.send(False, answer).ack(True)
            tcp.close()
            far.close()
    return net.report()


def refusal(status: int, *fields: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    """An answer with an error status, as the API writes it."""
    return response(f"{status} X", f"content-type: {kind}", *fields, "request-id: req_1", body=body)


def openai(message: str, kind: str = "invalid_request_error", code: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "code": code}}).encode()
