"""The agent goes another way, or sends what it should not have."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.proxy import PORTS
from lab.record import Lab, message
from lab.scenarios import Expect, scenario

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
JSON = ("content-type", "application/json")
VERSION = ("anthropic-version", "2023-06-01")
#: In the shape of a real key; the lab made it up.
REAL_LOOKING = "sk-ant-api03-LABONLY" + "agentheldthiskey0123456789" * 3 + "abcdefghijAA"


@scenario(
    "agent-holds-real-key",
    findings=("real-key-on-agent-hop",),
    title="The agent sends a key that looks real",
    what="Claude Code sends x-api-key with a key of a real key's shape to the API proxy.",
    wrong="Isolation is broken: the agent holds a key.",
    learn="The call succeeds, because the API proxy replaces the header; the key was on the "
    "bridge in plaintext all the same.",
)
def real_key(lab: Lab) -> None:
    lab.claude_code(("x-api-key", REAL_LOOKING))
    lab.claude_code(("Authorization", f"Bearer {REAL_LOOKING}"), stream=False)


@scenario(
    "agent-bypasses-proxy",
    title="The agent CONNECTs to the API itself and gets 401 inside",
    what="curl and a plain client go to https://api.anthropic.com through Squid, past the API "
    "proxy, with the placeholder.",
    wrong="The client does not use its base URL: the placeholder reaches the real API.",
    learn="Tunnels opened by .20 to an API host. What the API answered is inside and cannot be "
    "seen without keys; the placeholder is no key there.",
    expect=Expect(root_cause="api-proxy-bypassed", H1=None, H2=None, H3=None, H4a=None, H4b=None),
)
def bypass(lab: Lab) -> None:
    url = "https://api.anthropic.com/v1/messages"
    lab.agent.curl(url, [API_KEY, VERSION, JSON], message(), options=("--proxy", lab.squid.url))
    lab.agent.plain(
        url,
        [("Host", "api.anthropic.com"), API_KEY, VERSION, JSON],
        message(stream=True),
        proxy=lab.squid_place,
        via="connect",
        connect_headers=[["User-Agent", "claude-cli/2.1.88 (external, cli)"]],
    )


@scenario(
    "through-squid-absolute",
    title="Calls for the API proxy come through Squid (absolute-form): healthy",
    what="curl, a plain client and undici send POST http://172.30.0.30:10001/… to Squid.",
    wrong="nothing",
    learn="Two legs of one call are on the bridge: agent to Squid, Squid to API proxy. Count it "
    "once; its client is the agent, not Squid.",
)
def absolute(lab: Lab) -> None:
    lab.anthropic(options=("--proxy", lab.squid.url))
    lab.agent.plain(
        f"{lab.api()}/v1/messages?beta=true",
        [
            ("Host", lab.host()),
            ("User-Agent", "claude-cli/2.1.330 (external, cli)"),
            API_KEY,
            VERSION,
            JSON,
        ],
        message(stream=True),
        program="claude-code",
        proxy=lab.squid_place,
        via="absolute",
    )
    undici(lab, tunnel=False)


@scenario(
    "plain-http-in-connect",
    title="Calls for the API proxy come inside CONNECT 172.30.0.30:10001: healthy",
    what="undici's ProxyAgent and a plain client open a tunnel to the API proxy and speak plain "
    "HTTP inside.",
    wrong="nothing",
    learn="After a 200 to CONNECT look at the bytes: here it is HTTP, not TLS, and the headers "
    "can be read on both legs.",
)
def plain_in_connect(lab: Lab) -> None:
    lab.agent.plain(
        f"{lab.api()}/v1/messages?beta=true",
        [
            ("Host", lab.host()),
            ("User-Agent", "claude-cli/2.1.88 (external, cli)"),
            API_KEY,
            VERSION,
            JSON,
        ],
        message(stream=True),
        program="claude-code",
        proxy=lab.squid_place,
        via="connect",
    )
    undici(lab, tunnel=True)


def undici(lab: Lab, *, tunnel: bool) -> None:
    lab.agent.undici(
        f"{lab.api()}/v1/messages?beta=false",
        [("content-type", "application/json"), VERSION, API_KEY, ("user-agent", "undici")],
        message(),
        proxy=lab.squid.url,
        tunnel=tunnel,
    )


@scenario(
    "client-leaves-mid-stream",
    title="The client closes its connection in mid-stream",
    what="Claude Code leaves after some events of a slow stream.",
    wrong="The client aborts; nothing else is wrong.",
    learn="The agent's side closes first while data is still coming; the tunnel may go on.",
    expect=Expect(root_cause="client-aborted", H4a=None),
    upstream={"api.anthropic.com": {"pace": 0.15}},
    stream={"terminated": False, "truncated": True},
    ended_by="client",
    settle=False,
)
def leaves(lab: Lab) -> None:
    lab.claude_code(API_KEY, leave_after=500)


@scenario(
    "denied-side-traffic",
    findings=("side-traffic-denied",),
    title="The agent asks Squid for a domain that is not allowed, beside a good call",
    what="curl asks for https://telemetry.example.com and http://example.com through Squid; then "
    "one call to the API proxy.",
    wrong="Nothing with the API: side traffic is denied.",
    learn="A denied CONNECT of the agent's own says nothing about its API calls.",
)
def side_traffic(lab: Lab) -> None:
    lab.agent.curl("https://telemetry.example.com/", [], options=("--proxy", lab.squid.url))
    lab.agent.curl("http://example.com/", [], options=("--proxy", lab.squid.url))
    lab.anthropic()


@scenario(
    "pre-flight",
    title="Zero-byte connections before the first call",
    what="Ports 10000 and 10001 are tried without a byte, as the firewall's pre-flight check "
    "does; then one call.",
    wrong="nothing",
    learn="A connection without a request is a probe, not a lost call.",
)
def pre_flight(lab: Lab) -> None:
    for provider in ("openai", "anthropic"):
        lab.agent.probe(lab.network.api_proxy.address, PORTS[provider])
    lab.anthropic()


@scenario(
    "key-control-character",
    title="400 from the API proxy's own parser: a control character in the key",
    what="curl sends x-api-key with a control character at the end, twice.",
    wrong="The key was read from a file or a terminal with a control character in it.",
    learn="A bare 400 that closes, and no tunnel: the API proxy could not read the head.",
    expect=Expect(root_cause="credential-malformed", H1=None, H4a=None),
    ended_by="server",
    oddities={"control-byte-in-header": 2},
)
def control_character(lab: Lab) -> None:
    for _ in range(2):
        lab.anthropic(("x-api-key", f"{ANTHROPIC_PLACEHOLDER}\x01"))


@scenario(
    "key-in-prompt",
    findings=("key-in-body",),
    title="A prompt holds a key",
    what="curl asks about a file that has a key of a real key's shape in it.",
    wrong="What the agent read and sent on held a key.",
    learn="The credential is a placeholder, the body of the call has a key: it left in the prompt.",
)
def prompted(lab: Lab) -> None:
    lab.anthropic(body=message(system=f"The file .env says: ANTHROPIC_API_KEY={REAL_LOOKING}"))
