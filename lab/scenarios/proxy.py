"""The API proxy answers by itself: no tunnel is opened for the call."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.record import Lab
from lab.scenarios import Expect, scenario

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
NO_KEY = {"anthropic": None}


@scenario(
    "proxy-not-configured",
    title="403 provider_not_configured from the API proxy",
    what="curl and the Python SDK; the newer API proxy has no key for Anthropic.",
    wrong="ANTHROPIC_API_KEY was not given to the API proxy.",
    learn="JSON with the API proxy's own error type, Title-Case header names, and no tunnel.",
    expect=Expect(root_cause="proxy-not-configured"),
    keys=NO_KEY,
)
def not_configured(lab: Lab) -> None:
    lab.anthropic()
    lab.agent.python_sdk("anthropic", base_url=lab.api(), api_key=ANTHROPIC_PLACEHOLDER)


@scenario(
    "proxy-not-listening",
    title="Connection refused on port 10001, and 10000 works",
    what="curl to Anthropic twice and to OpenAI once; the older API proxy has no key for "
    "Anthropic and does not listen there.",
    wrong="ANTHROPIC_API_KEY was not given to the API proxy.",
    learn="RST at once on one port while another works: not dead, not configured.",
    expect=Expect(root_cause="proxy-not-listening", H4a=None),
    generation="old",
    keys=NO_KEY,
)
def not_listening(lab: Lab) -> None:
    lab.anthropic()
    lab.openai()
    lab.anthropic(stream=True)


@scenario(
    "proxy-guard-429",
    title="429 rate_limit_error from the API proxy's own guard",
    what="curl four times; the API proxy lets two calls through and refuses the others.",
    wrong="The API proxy's own limit of calls is reached.",
    learn="Two calls with a tunnel, two without: the 429 is the API proxy's, and the API never "
    "saw it.",
    expect=Expect(root_cause="proxy-refused", H4a=None),
    proxy={"guard": {"name": "rate_limit_error", "after": 2}},
)
def guard_429(lab: Lab) -> None:
    for _ in range(4):
        lab.anthropic()


@scenario(
    "proxy-guard-403",
    title="403 from the API proxy's own guard",
    what="Claude Code three times; the API proxy refuses from the second call on.",
    wrong="The API proxy stopped after too many refused permissions.",
    learn="The third of three 403s: JSON of the API proxy's own kind, and no tunnel.",
    expect=Expect(root_cause="proxy-refused", H4a=None),
    proxy={"guard": {"name": "permission_denied_limit_exceeded", "after": 1}},
)
def guard_403(lab: Lab) -> None:
    for _ in range(3):
        lab.claude_code(API_KEY, stream=False)


@scenario(
    "start-up-only",
    title="Four tunnels with real keys, and nobody asked",
    what="The newer API proxy starts and tries its keys; no agent calls.",
    wrong="nothing",
    learn="Tunnels without an agent request are the API proxy's own: start-up, not traffic.",
    probes=True,
)
def start_up(lab: Lab) -> None:
    del lab


@scenario(
    "health-checks",
    title="/health and /reflect between calls",
    what="curl asks /health and /reflect on port 10000, and makes one call.",
    wrong="nothing",
    learn="Management calls are HTTP on the same ports; they carry no credential and need no "
    "tunnel.",
)
def health(lab: Lab) -> None:
    lab.agent.curl(f"{lab.api('openai')}/health", [])
    lab.agent.curl(f"{lab.api('openai')}/reflect", [])
    lab.openai()
