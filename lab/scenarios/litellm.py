"""litellm's proxy in the API proxy's place: its own answers, and what it passes on."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.record import Lab, message
from lab.scenarios import Expect, scenario
from lab.scenarios.squid import OTHERS

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
HOST = "api.anthropic.com"
#: The key that litellm wants of its clients.
_MASTER = "sk-LABONLYmaster0123456789"


@scenario(
    "litellm-pooled",
    title="litellm carries four calls in one tunnel, all is well",
    what="curl, Claude Code and curl twice, one after the other; litellm keeps its tunnel.",
    wrong="nothing",
    learn="One CONNECT, four calls: each is one turn of the tunnel.",
    gateway="litellm",
    settle=False,
)
def pooled(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)
    lab.anthropic(stream=True)
    lab.anthropic()


@scenario(
    "litellm-no-database",
    title="400 from litellm: a key that it can look up nowhere",
    what="curl twice with the placeholder; litellm has a master key and no database.",
    wrong="The agent sends the firewall's placeholder, litellm knows its master key alone.",
    learn='"No connected db." is litellm\'s way to say that it does not know a key.',
    expect=Expect(root_cause="proxy-refused", H1=None),
    gateway="litellm",
    limits={"master_key": _MASTER},
)
def no_database(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "litellm-model",
    title="400 from litellm: it has no such model",
    what="curl twice, with a model that litellm's configuration does not name.",
    wrong="The model is not in litellm's model_list.",
    learn="litellm itself refuses the model: it opened no connection.",
    expect=Expect(root_cause="model-not-found", H1=None),
    gateway="litellm",
)
def model(lab: Lab) -> None:
    for stream in (False, True):
        lab.anthropic(body=message(stream=stream, model="claude-lab-2"))


@scenario(
    "litellm-401",
    title="401 passed on by litellm: the API refused litellm's key",
    what="curl and Claude Code; litellm's own key is one that the API does not know.",
    wrong="The key in litellm's model_list is revoked.",
    learn="litellm quotes the API's 401, and a tunnel carried each call: it is the gateway's key "
    "that was judged, not the agent's.",
    expect=Expect(root_cause="upstream-rejected-credential", H1=None, H4a=True, H4b=True),
    upstream={HOST: {"accepts": ["sk-ant-api03-LABONLYother"]}},
    gateway="litellm",
    settle=False,
)
def rejected(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "litellm-denied",
    title="500 from litellm, whose CONNECT Squid denied",
    what="curl twice; Squid's list of domains does not have the API's.",
    wrong="api.anthropic.com is not on the firewall's list of domains.",
    learn="litellm's own error; Squid's 403 on its CONNECT says why.",
    expect=Expect(root_cause="squid-denied", H1=None),
    squid={"allow": OTHERS},
    gateway="litellm",
)
def denied(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "litellm-timeout",
    title="408 from litellm while the tunnel stands and is silent",
    what="curl and Claude Code; the API takes 30 s, litellm waits 1 s.",
    wrong="The model's timeout in litellm is shorter than the API takes.",
    learn="litellm gave up after one and the same time, the tunnel intact and silent.",
    expect=Expect(root_cause="gateway-timeout", H1=None, H4a=None, H4b=False),
    upstream={HOST: {"first_byte": 30.0}},
    gateway="litellm",
    limits={"timeout": "1"},
    settle=False,
)
def timeout(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)
