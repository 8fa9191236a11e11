"""The failure that this project started from, and its near relatives."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER, OLD_TOKEN_PLACEHOLDER, OPENAI_PLACEHOLDER
from lab.processes import until
from lab.proxy import ANTHROPIC_KEY, OPENAI_KEY
from lab.record import Lab
from lab.scenarios import Expect, scenario

BOTH = (
    ("x-api-key", ANTHROPIC_PLACEHOLDER),
    ("Authorization", f"Bearer {OLD_TOKEN_PLACEHOLDER}"),
)
NEWLINE = {"anthropic": ANTHROPIC_KEY + "\n"}
DIED = Expect(root_cause="proxy-died")


def own_tunnels(lab: Lab, times: int, pause: float = 0.0) -> None:
    """The agent looks for its API by itself, through Squid: not a call of the model."""
    lab.agent.plain(
        "https://api.anthropic.com/api/hello",
        [("Accept", "*/*"), ("User-Agent", "axios/1.8.4"), ("Host", "api.anthropic.com")],
        method="GET",
        program="claude-code-hello",
        proxy=lab.squid_place,
        via="connect",
        times=times,
        pause=pause,
    )


@scenario(
    "issue-1527",
    title='Ten retries, error "unknown", no status; Squid logged four 200s',
    what="Claude Code's first call ends the API proxy of the older generation, whose key ends "
    "with a newline; ten retries find nobody. Both placeholders are sent, and they differ. The "
    "agent itself opens four tunnels to api.anthropic.com, which Squid logs as 200.",
    wrong="ANTHROPIC_API_KEY in the API proxy ends with a newline: Node refuses the header and "
    "the whole process dies.",
    learn="The request arrived whole and was answered by a bare FIN, without one byte; from then "
    "on every SYN to the API proxy is answered by RST. No tunnel was opened for the call: the "
    "four tunnels in Squid's log are the agent's own and say nothing about it. That the two "
    "placeholders differ did no harm: neither was ever judged.",
    expect=Expect(root_cause="proxy-died", H4a=True),
    findings=("api-proxy-bypassed", "retry-storm"),
    generation="old",
    keys=NEWLINE,
    keep_keys=False,
)
def issue_1527(lab: Lab) -> None:
    own_tunnels(lab, 1)
    lab.agent.at_once(
        lambda: lab.claude_code(*BOTH, times=11, pause=0.4),
        lambda: own_tunnels(lab, 3, pause=1.2),
    )


@scenario(
    "key-newline",
    title="An empty reply, then connection refused",
    what="curl twice; the key in the API proxy of the older generation ends with a newline.",
    wrong="The key's newline ends the API proxy's process on the first call.",
    learn="The smallest picture of that death: a whole request, a bare FIN, no CONNECT; the "
    "second call meets RST.",
    expect=DIED,
    generation="old",
    keys=NEWLINE,
)
def key_newline(lab: Lab) -> None:
    lab.anthropic()
    until(lambda: not lab.proxy.process.running, "the API proxy to die")
    lab.anthropic()


@scenario(
    "websocket-key-newline",
    title="400 to a WebSocket handshake; the other calls are answered",
    what="Codex asks for a WebSocket on OpenAI's port; the key in the API proxy of the older "
    "generation ends with a newline. Then a call to Anthropic.",
    wrong="The key's newline ends the header block of the handshake inside TLS.",
    learn="The same newline on another path: handshakes are written by hand, so nothing dies. The "
    "API gets a request without a Host and answers 400.",
    expect=Expect(root_cause="upstream-bad-request", H4a=True, H4b=True),
    generation="old",
    keys={"openai": OPENAI_KEY + "\n"},
)
def websocket_key_newline(lab: Lab) -> None:
    lab.agent.plain(
        f"{lab.api('openai')}/v1/responses",
        [
            ("Host", lab.host("openai")),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "TEFCT05MWUxBQk9OTFkhIQ=="),
            ("authorization", f"Bearer {OPENAI_PLACEHOLDER}"),
        ],
        method="GET",
        program="codex",
        websocket=True,
    )
    lab.anthropic()


@scenario(
    "key-newline-fixed",
    title="The same key with a newline, and all is well",
    what="curl twice; the key ends with a newline, the API proxy is of the newer generation.",
    wrong="nothing",
    learn="The newer API proxy trims its keys: the same cause has no effect.",
    keys=NEWLINE,
)
def key_newline_fixed(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "key-trailing-space",
    title="A key with a space at its end: healthy",
    what="curl twice; the key ends with a space and the API proxy of the older generation keeps "
    "it.",
    wrong="nothing",
    learn="A trailing space is harmless: the receiver takes it off with the rest of the line.",
    generation="old",
    keys={"anthropic": ANTHROPIC_KEY + " "},
)
def key_trailing_space(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "proxy-gone",
    title="The API proxy's container is gone: silence",
    what="The first call ends the API proxy; its container is removed from the network, and three "
    "more calls are made.",
    wrong="The API proxy died of a newline in its key, and its container with it.",
    learn="Nobody answers any more, not even with RST: SYNs are repeated in vain. The cause is in "
    "the first exchange, the bare FIN, not in the silence.",
    expect=DIED,
    generation="old",
    keys=NEWLINE,
)
def proxy_gone(lab: Lab) -> None:
    lab.claude_code(*BOTH)
    until(lambda: not lab.proxy.process.running, "the API proxy to die")
    lab.network.unplug(lab.network.api_proxy)
    lab.claude_code(*BOTH, times=3, timeout=1.5)
