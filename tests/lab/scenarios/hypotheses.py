"""The hypotheses about the first failure, each as it looks when it is true."""

from __future__ import annotations

from tests.lab.clients import ANTHROPIC_PLACEHOLDER, OLD_TOKEN_PLACEHOLDER
from tests.lab.record import Lab
from tests.lab.scenarios import Expect, scenario

BEARER = ("Authorization", f"Bearer {ANTHROPIC_PLACEHOLDER}")
API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)


@scenario(
    "h4-401-inside-tunnel",
    title="Squid says 200 four times, the agent sees 401 four times",
    what="curl twice, the Anthropic SDKs for Python and Node once each; the upstream rejects "
    "the real key that the API proxy holds.",
    wrong="The upstream refuses the API proxy's own key.",
    learn="Squid's 200 means that a tunnel was opened. The API's answer travels inside it and "
    "reaches the agent as 401, whatever the agent sent: two clients send x-api-key, two "
    "Authorization, and all are told that x-api-key is invalid, for that is what the proxy sent.",
    expect=Expect(root_cause="upstream-rejected-credential", H4a=True, H4b=True),
    upstream={"api.anthropic.com": {"answer": "401"}},
)
def refused_inside(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)
    lab.agent.python_sdk("anthropic", base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER)
    lab.agent.node_sdk(base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER)
