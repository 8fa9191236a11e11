"""A Squid that peeks at the ClientHello: it says 200 before it knows anything."""

from __future__ import annotations

from lab.network import REFUSES, WORLD
from lab.record import Lab
from lab.scenarios import Expect, scenario

HOST = "api.anthropic.com"
OTHERS = tuple(name for name in WORLD if name != HOST)


def cause(code: str) -> Expect:
    return Expect(root_cause=code, H4a=True)


@scenario(
    "peek-healthy",
    title="All is well behind a Squid that peeks at the ClientHello",
    what="curl twice, one call streamed.",
    wrong="nothing",
    learn="CONNECT is answered before anything is resolved; the log has two lines of each tunnel.",
    squid={"peek": True},
)
def healthy(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "peek-connection-refused",
    title="200 to CONNECT, then a bare close: the API's host refuses, a peeking Squid's log says",
    what="curl; the API's address refuses TCP.",
    wrong="Nothing listens at the API's address.",
    learn="200, a ClientHello, a FIN: the packets look like a denied name; the log's line of that "
    "port says 503 HIER_DIRECT.",
    expect=cause("squid-cannot-connect"),
    squid={"peek": True, "hosts": {**WORLD, HOST: REFUSES}},
)
def refused(lab: Lab) -> None:
    lab.anthropic()


@scenario(
    "peek-dns-failure",
    title="200 to CONNECT, then Squid's page in plaintext where TLS was due",
    what="curl; the name is allowed, but nobody resolves it.",
    wrong="Squid finds no address for api.anthropic.com.",
    learn="Behind the ClientHello stands HTTP/1.1 500 with X-Squid-Error: no fault of TLS.",
    expect=cause("squid-cannot-forward"),
    squid={"peek": True, "hosts": {name: WORLD[name] for name in OTHERS}},
)
def dns_failure(lab: Lab) -> None:
    lab.anthropic()


@scenario(
    "peek-name-denied",
    title="200 to CONNECT, then a bare close: the server name is not allowed",
    what="curl; api.anthropic.com is not in the allow-list, which is held against the server name.",
    wrong="api.anthropic.com is missing in the list of allowed domains.",
    learn="200, a ClientHello, a FIN within a millisecond; the log has one line, a 200, and "
    "nothing says denied.",
    expect=cause("squid-denied"),
    squid={"peek": True, "allow": OTHERS},
)
def denied(lab: Lab) -> None:
    lab.anthropic()
