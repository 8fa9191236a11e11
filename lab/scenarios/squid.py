"""Between the API proxy and the API: Squid refuses, cannot connect, is gone, or the TLS fails."""

from __future__ import annotations

import threading

from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.network import ABSENT, REFUSES, SILENT, WORLD
from lab.processes import until
from lab.record import Lab
from lab.scenarios import Expect, scenario

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
HOST = "api.anthropic.com"
OTHERS = tuple(name for name in WORLD if name != HOST)
#: The agent was handed the error page that Squid had written for the API proxy.
PAGE = ("squid-page-relayed",)
TLS_FAILED = Expect(root_cause="tls-failed-in-tunnel", H4a=True)


def cause(code: str) -> Expect:
    return Expect(root_cause=code)


@scenario(
    "squid-denied",
    title="403 with an HTML page: Squid denied the domain",
    what="curl, the Python SDK and Claude Code; api.anthropic.com is not in the allow-list.",
    wrong="api.anthropic.com is missing in the list of allowed domains.",
    learn="CONNECT is answered 403 with X-Squid-Error; the API proxy relays Squid's HTML page as "
    "if it were the API's answer, and its log asks to check the key. No key ever left.",
    expect=cause("squid-denied"),
    findings=PAGE,
    squid={"allow": OTHERS},
)
def denied(lab: Lab) -> None:
    lab.anthropic()
    lab.agent.python_sdk("anthropic", base_url=lab.api(), api_key=ANTHROPIC_PLACEHOLDER)
    lab.claude_code(API_KEY)


@scenario(
    "squid-dns-failure",
    title="An HTML error page: Squid cannot resolve the name",
    what="curl twice; the name is allowed, but nobody resolves it.",
    wrong="Squid finds no address for api.anthropic.com.",
    learn="CONNECT fails after the resolver's time limit; the page that the agent gets is Squid's.",
    # 5.7 has one name for this and for a parent proxy that cannot be reached.
    expect=cause("squid-cannot-forward"),
    findings=PAGE,
    squid={"hosts": {name: WORLD[name] for name in OTHERS}},
)
def dns_failure(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "squid-connection-refused",
    title="503 with an HTML page: the API's host refuses",
    what="curl twice; the API's address refuses TCP.",
    wrong="Nothing listens at the API's address.",
    learn="ERR_CONNECT_FAIL 111 in X-Squid-Error: connection refused, at once.",
    expect=cause("squid-cannot-connect"),
    findings=PAGE,
    squid={"hosts": {**WORLD, HOST: REFUSES}},
)
def refused(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "squid-no-route",
    title="503 with an HTML page after three seconds: no route to the API's host",
    what="curl; nobody answers ARP for the API's address.",
    wrong="The API's host is unreachable for Squid.",
    learn="ERR_CONNECT_FAIL 113: no route to host, after the kernel's three seconds.",
    expect=cause("squid-cannot-connect"),
    findings=PAGE,
    squid={"hosts": {**WORLD, HOST: ABSENT}, "connect_timeout": 10},
)
def no_route(lab: Lab) -> None:
    lab.anthropic()


@scenario(
    "squid-connect-times-out",
    title="503 with an HTML page after a long wait: packets to the API vanish",
    what="curl; packets to the API's address are lost without a word.",
    wrong="The way from Squid to the API is broken silently.",
    learn="ERR_CONNECT_FAIL 110 after Squid's own time limit.",
    expect=cause("squid-cannot-connect"),
    findings=PAGE,
    squid={"hosts": {**WORLD, HOST: SILENT}, "connect_timeout": 3},
)
def times_out(lab: Lab) -> None:
    lab.anthropic()


@scenario(
    "squid-down",
    title="502 from the API proxy: Squid does not listen",
    what="curl twice; Squid was stopped before.",
    wrong="Squid is not running.",
    learn="The API proxy's SYN to port 3128 is answered by RST; the 502 is the API proxy's own.",
    expect=cause("squid-down"),
)
def down(lab: Lab) -> None:
    lab.squid.process.stop()
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "squid-killed-mid-stream",
    title="Squid dies in mid-stream",
    what="Claude Code streams slowly; Squid is killed in the middle, and a second call finds it "
    "gone.",
    wrong="Squid was killed.",
    learn="The tunnel ends in mid-stream and has no line in Squid's log; the next CONNECT meets "
    "RST.",
    expect=Expect(root_cause="squid-down", H4a=True),
    upstream={HOST: {"pace": 0.15}},
    stream={"terminated": False, "truncated": True},
)
def killed(lab: Lab) -> None:
    call = threading.Thread(target=lab.claude_code, args=(API_KEY,))
    call.start()
    until(
        lambda: any(row["event"] == "upstream_response" for row in lab.proxy.records()),
        "the stream to begin",
    )
    threading.Event().wait(0.5)  # some events
    lab.squid.process.kill()
    call.join()
    lab.claude_code(API_KEY)


@scenario(
    "tls-alert",
    title="200 to CONNECT, then a TLS alert",
    what="curl twice; the upstream answers the ClientHello with a fatal alert.",
    wrong="The upstream refuses the TLS handshake.",
    learn="An established tunnel in which no byte of HTTP was ever sent: the alert is readable.",
    expect=TLS_FAILED,
    upstream={HOST: {"tls": "alert"}},
)
def alert(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "tls-untrusted",
    title="200 to CONNECT, then the API proxy refuses the certificate",
    what="curl; the API proxy does not trust the authority of the upstream's certificate.",
    wrong="The API proxy lacks the authority of the certificate it is shown.",
    learn="The server's whole flight arrives; the client answers with an alert (hidden in TLS "
    "1.3) and leaves.",
    expect=TLS_FAILED,
    trusts=False,
)
def untrusted(lab: Lab) -> None:
    lab.anthropic()


@scenario(
    "tls-silence",
    title="200 to CONNECT, then nothing: no ServerHello",
    what="curl with a limit of three seconds; the upstream reads the ClientHello and says nothing.",
    wrong="The upstream does not speak TLS.",
    learn="A ClientHello without an answer; the agent gives up, and Squid's log says 200.",
    expect=TLS_FAILED,
    upstream={HOST: {"tls": "silence"}},
    ended_by="client",
    handshake="incomplete",
    settle=False,
)
def silence(lab: Lab) -> None:
    lab.anthropic(options=("--max-time", "3"))


@scenario(
    "tls-reset",
    title="200 to CONNECT, then a reset during the handshake",
    what="curl twice; the upstream resets in the middle of its flight.",
    wrong="Something on the way resets the TLS handshake.",
    learn="A ServerHello, and then the tunnel is gone; nothing of HTTP was sent.",
    expect=TLS_FAILED,
    upstream={HOST: {"tls": "reset-in-handshake"}},
    oddities={"tls-cut-record": 2},
)
def reset(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "squid-auth-required",
    title="407: Squid wants its clients to name themselves",
    what="curl and Claude Code; Squid asks for credentials, and the API proxy has none.",
    wrong="squid.conf demands proxy authentication.",
    learn="407 with Squid's own ERR_CACHE_ACCESS_DENIED and a challenge: no key of an API helps.",
    expect=cause("squid-auth-required"),
    findings=PAGE,
    squid={"wants_credentials": True},
)
def auth_required(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY)


@scenario(
    "parent-proxy-refused",
    title="407 from a proxy behind Squid",
    what="curl and Claude Code; all goes by a proxy behind Squid, which asks for credentials.",
    wrong="The company's proxy wants credentials that Squid does not have.",
    learn="Squid passes the other proxy's head on: a challenge, no X-Squid-Error, no body.",
    expect=cause("parent-proxy-refused"),
    squid={"parent": 407},
)
def parent_refused(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY)


@scenario(
    "parent-proxy-gone",
    title="No way to the API: the proxy behind Squid is not there",
    what="curl and Claude Code; all goes by a proxy behind Squid, where nobody listens.",
    wrong="The proxy that Squid is to use does not run.",
    learn="ERR_CANNOT_FORWARD although every name resolves: it is not DNS, nor the API.",
    expect=cause("squid-cannot-forward"),
    findings=PAGE,
    squid={"parent": 0},
)
def parent_gone(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY)
