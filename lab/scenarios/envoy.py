"""Envoy in the API proxy's place: its own answers, and what it passes on."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.network import REFUSES, WORLD
from lab.record import Lab
from lab.scenarios import Expect, scenario
from lab.scenarios.squid import OTHERS

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
HOST = "api.anthropic.com"


@scenario(
    "envoy-pooled",
    title="Envoy carries three calls in one tunnel, all is well",
    what="curl, Claude Code and curl again, one after the other; Envoy keeps its tunnel.",
    wrong="nothing",
    learn="One CONNECT, three calls: each is one turn of the tunnel.",
    gateway="envoy",
    settle=False,
)
def pooled(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)
    lab.anthropic()


@scenario(
    "envoy-nobody",
    title="503 from Envoy, which has nobody to ask",
    what="curl and Claude Code; Envoy's cluster has no endpoint.",
    wrong="The gateway's cluster has no endpoint.",
    learn='"no healthy upstream" is Envoy\'s own: it opened no connection.',
    expect=Expect(root_cause="gateway-cannot-connect", H1=None),
    gateway="envoy",
    limits={"endpoints": "none"},
)
def nobody(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "envoy-timeout",
    title="504 from Envoy while the tunnel stands and is silent",
    what="curl and Claude Code; the API takes 30 s, Envoy's route waits 1 s.",
    wrong="The route's timeout is shorter than the API takes.",
    learn='"upstream request timeout" after one and the same time, the tunnel intact: Envoy gave '
    "up, not the API.",
    expect=Expect(root_cause="gateway-timeout", H1=None, H4a=None, H4b=False),
    upstream={HOST: {"first_byte": 30.0}},
    gateway="envoy",
    limits={"timeout": "1s"},
    settle=False,
)
def timeout(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "envoy-denied",
    title="503 from Envoy, whose CONNECT Squid denied",
    what="curl twice; Squid's list of domains does not have the API's.",
    wrong="api.anthropic.com is not on the firewall's list of domains.",
    learn="Envoy's 503 says that a connection failed; Squid's 403 on its CONNECT says why.",
    expect=Expect(root_cause="squid-denied", H1=None),
    squid={"allow": OTHERS},
    gateway="envoy",
)
def denied(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "envoy-upstream-refuses",
    title="503 from Envoy, whose CONNECT ended in a refused connection",
    what="curl twice; nothing listens at the API's address.",
    wrong="The API's address refuses connections.",
    learn="Envoy's 503 says that a connection failed; Squid's 503 on its CONNECT says why.",
    expect=Expect(root_cause="squid-cannot-connect", H1=None),
    squid={"hosts": {**WORLD, HOST: REFUSES}},
    gateway="envoy",
)
def refuses(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "envoy-reset",
    title="503 from Envoy: the API's side ended the connection before it answered",
    what="curl twice; the API resets each connection when it has read the request.",
    wrong="The API resets the connection in place of an answer.",
    learn='"upstream connect error or disconnect/reset before headers": the tunnel stood, TLS in '
    "it, the request was sent; then it was closed from the API's side.",
    expect=Expect(root_cause="upstream-server-error", H1=None, H4a=None, H4b=None),
    upstream={HOST: {"body": "hang-up"}},
    gateway="envoy",
)
def reset(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "envoy-401",
    title="401 passed on by Envoy: the API refused Envoy's key",
    what="curl and Claude Code; Envoy's own key is one that the API does not know.",
    wrong="The key in the gateway's configuration is revoked.",
    learn="The 401 came through the tunnel: it is the gateway's key that was judged, not the "
    "agent's placeholder.",
    expect=Expect(root_cause="upstream-rejected-credential", H1=None, H4a=True, H4b=True),
    upstream={HOST: {"accepts": ["sk-ant-api03-LABONLYother"]}},
    gateway="envoy",
    settle=False,
)
def rejected(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)
