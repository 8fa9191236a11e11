"""Healthy traffic in all its shapes, and captures that lack something."""

from __future__ import annotations

import functools
import threading

from lab.clients import ANTHROPIC_PLACEHOLDER, GEMINI_PLACEHOLDER, OPENAI_PLACEHOLDER
from lab.processes import until
from lab.proxy import OPENAI_KEY, PORTS
from lab.record import Lab, message
from lab.scenarios import Expect, scenario

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
JSON = ("content-type", "application/json")
VERSION = ("anthropic-version", "2023-06-01")


@scenario(
    "healthy-json",
    title="All is well: JSON answers for five clients",
    what="curl, the Anthropic and OpenAI SDKs for Python and the Anthropic SDK for Node, without "
    "streams.",
    wrong="nothing",
    learn="One tunnel for each call; who writes Authorization in which case; sizes and times of a "
    "healthy run.",
)
def healthy_json(lab: Lab) -> None:
    lab.anthropic()
    lab.agent.python_sdk("anthropic", base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER)
    lab.agent.python_sdk("openai", base_url=f"{lab.api('openai')}/v1", api_key=OPENAI_PLACEHOLDER)
    lab.agent.node_sdk(base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER)
    lab.openai()


@scenario(
    "healthy-sse",
    title="All is well: event streams for four clients",
    what="curl to Anthropic and OpenAI, the Anthropic SDKs for Python and Node, with streams; "
    "plain and gzip.",
    wrong="nothing",
    learn="message_stop ends Anthropic's stream, [DONE] OpenAI's; then the last chunk.",
)
def healthy_sse(lab: Lab) -> None:
    lab.anthropic(stream=True)
    lab.agent.python_sdk(
        "anthropic", base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER, stream=True
    )
    lab.agent.node_sdk(base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER, stream=True)
    lab.openai(stream=True)


@scenario(
    "client-leaves-after-done",
    title="The client closes after the stream's last event: healthy",
    what="The OpenAI SDK for Python streams; it leaves at [DONE] and does not wait for the last "
    "chunk.",
    wrong="nothing",
    learn="HTTP is incomplete and the answer is whole: the terminal event had come. The tunnel "
    "stays open behind it.",
    upstream={"api.openai.com": {"pace": 0.1}},
    stream={"terminated": True, "malformed": 0},
    ended_by="client",
    settle=False,
)
def leaves_after_done(lab: Lab) -> None:
    lab.agent.python_sdk(
        "openai", base_url=f"{lab.api('openai')}/v1", api_key=OPENAI_PLACEHOLDER, stream=True
    )


@scenario(
    "keep-alive-50",
    title="Fifty calls on one connection: healthy",
    what="Claude Code makes fifty JSON calls on one connection to the API proxy.",
    wrong="nothing",
    learn="One connection from the agent, fifty tunnels: the API proxy never reuses one.",
    upstream={"api.anthropic.com": {"first_byte": 0.0}},
)
def keep_alive(lab: Lab) -> None:
    lab.claude_code(API_KEY, stream=False, times=50, keep_alive=True)


@scenario(
    "parallel-20",
    title="Twenty clients at once: healthy",
    what="Twenty calls in parallel, every second one a stream, to Anthropic.",
    wrong="nothing",
    learn="Which tunnel belongs to which call, when all are open at once.",
)
def parallel(lab: Lab) -> None:
    lab.agent.at_once(
        *(functools.partial(lab.claude_code, API_KEY, stream=bool(n % 2)) for n in range(20))
    )


@scenario(
    "websocket",
    title="WebSocket on OpenAI's port: healthy",
    what="A WebSocket handshake for /v1/responses, one message, closing handshake.",
    wrong="nothing",
    learn="The handshake's headers are auth evidence too; the messages after the 101 state model, "
    "counts and the end of the answer.",
)
def websocket(lab: Lab) -> None:
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


@scenario(
    "websocket-cut",
    title="The API closes a WebSocket with 1011 in the middle of an answer",
    what="A WebSocket handshake for /v1/responses, one message; the API closes after five events.",
    wrong="the API's server fails while it answers",
    learn="The upgrade is a 101 and the tunnel is well: what failed is told by the closing frame's "
    "status and by the last event, which did not come.",
    upstream={"api.openai.com": {"stream": "cut", "after": 5}},
    stream={"terminated": False, "malformed": 0, "truncated": False, "events": 5},
    expect=Expect(root_cause="stream-cut", H4a=True),
    findings=(),
)
def websocket_cut(lab: Lab) -> None:
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
        listens=True,
    )


@scenario(
    "h2c-prior-knowledge",
    title="HTTP/2 without TLS to the API proxy, which speaks HTTP/1.1 alone",
    what="curl --http2-prior-knowledge, twice; the API proxy answers the preface with a bare 400.",
    wrong="the client begins with HTTP/2 where the server takes HTTP/1.1 alone",
    learn="What the client asked can be read in its frames though nobody answered them; the answer "
    "is one of HTTP/1.1, to the preface.",
    # Nothing passes between API proxy and Squid: whether no tunnel stood or that hop was not heard
    # is told by which of Node and curl closes first.
    expect=Expect(root_cause="h2c-refused", H4a=None),
)
def h2c_prior_knowledge(lab: Lab) -> None:
    for _ in range(2):
        # Else the 400 to the preface races with the frames behind it.
        with lab.proxy.process.held(PORTS["anthropic"]):
            lab.anthropic(options=("--http2-prior-knowledge",))


@scenario(
    "tls-1.2",
    title="TLS 1.2 inside the tunnels: healthy",
    what="curl twice; the upstream speaks TLS 1.2 only.",
    wrong="nothing",
    learn="In TLS 1.2 the handshake's end and alerts can be told by record type.",
    upstream={"api.anthropic.com": {"tls_version": "1.2"}},
)
def tls12(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "tls-resumed",
    title="Resumed TLS sessions: healthy",
    what="curl three times; the API proxy offers the session of the call before.",
    wrong="nothing",
    learn="A resumed handshake has no certificate: shorter, and just as complete.",
    proxy={"resume": True},
)
def resumed(lab: Lab) -> None:
    for stream in (False, True, False):
        lab.anthropic(stream=stream)


@scenario(
    "h2-in-tunnel",
    findings=("api-proxy-bypassed",),
    title="HTTP/2 inside a tunnel of the agent's own",
    what="curl goes to https://api.openai.com through Squid with a key of its own and negotiates "
    "h2, beside a call to the API proxy.",
    wrong="Nothing fails; the agent goes past the API proxy.",
    learn="ALPN in the ClientHello says what the client can; the API proxy's own tunnels have "
    "none.",
)
def http2(lab: Lab) -> None:
    lab.agent.curl(
        "https://api.openai.com/v1/models",
        [("Authorization", f"Bearer {OPENAI_KEY}")],
        options=("--http2", "--proxy", lab.squid.url),
    )
    lab.openai()


@scenario(
    "one-network",
    title="Squid's way out crosses the bridge too: healthy",
    what="curl and Claude Code; Squid reaches the world through its leg on the bridge.",
    wrong="nothing",
    learn="Each tunnel's TLS is on the bridge twice: once after the CONNECT, once from .10. One "
    "exchange, two legs, one ClientHello.",
    one_network=True,
)
def one_network(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY)


@scenario(
    "ipv6-bridge",
    title="The same on IPv6: healthy",
    what="curl and Claude Code on a bridge with fd00:172:30::/64.",
    wrong="nothing",
    learn="Only the addresses differ; hosts and ports are in brackets.",
    ipv6=True,
)
def ipv6(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY)


@scenario(
    "any-interface",
    title="Captured with -i any: every frame twice",
    what="curl and Claude Code; the capture is of all interfaces (Linux cooked, version 2).",
    wrong="nothing",
    learn="Each frame is there once for each port of the bridge: it is one frame, one exchange.",
    any_interface=True,
)
def any_interface(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY)


@scenario(
    "mid-stream-start",
    title="The capture began in mid-stream",
    what="Claude Code streams slowly; the capture begins after some events, and sees one more "
    "call whole.",
    wrong="The capture lacks the beginning.",
    learn="The first connection was picked up in its middle: what it asked is not known. The "
    "second call is whole.",
    upstream={"api.anthropic.com": {"pace": 0.15}},
    capture="late",
    verdict="incomplete",
    partial=True,
)
def mid_stream(lab: Lab) -> None:
    call = threading.Thread(target=lab.claude_code, args=(API_KEY,))
    call.start()
    until(
        lambda: any(row["event"] == "upstream_response" for row in lab.proxy.records()),
        "the stream to begin",
    )
    lab.begin_capture()
    call.join()
    lab.anthropic()


@scenario(
    "lost-packets",
    title="The capture lost packets of two answers",
    what="Claude Code streams three times; two frames of the answers were taken out of the "
    "capture afterwards.",
    wrong="The capture lacks frames that the clients got.",
    learn="Bytes that the client acknowledged are missing: nothing may be concluded across the "
    "gap.",
    lose=(3, 14),
    verdict="incomplete",
    partial=True,
)
def lost(lab: Lab) -> None:
    for _ in range(3):
        lab.claude_code(API_KEY)


@scenario(
    "through-api-proxy-large",
    title="A large request: 90 KB of body, as Claude Code sends them",
    what="Claude Code with a body of 90 KB.",
    wrong="nothing",
    learn="Frames of several KB (segmentation is left to the device): lengths beyond the MTU are "
    "normal.",
)
def large(lab: Lab) -> None:
    lab.anthropic(body=message(system="Ledger. " * 11_000))


@scenario(
    "gemini-query-key",
    title="Gemini with its key in the query: healthy",
    what="curl calls generateContent twice, once with ?key=, once with x-goog-api-key.",
    wrong="nothing",
    learn="A credential can stand in the target: the API proxy takes it out and sends a header.",
)
def gemini(lab: Lab) -> None:
    url = f"{lab.api('gemini')}/v1beta/models/gemini-lab-1:generateContent"
    body = '{"contents":[{"parts":[{"text":"Say hello to the lab."}]}]}'
    lab.agent.curl(f"{url}?key={GEMINI_PLACEHOLDER}", [JSON], body)
    lab.agent.curl(url, [("x-goog-api-key", GEMINI_PLACEHOLDER), JSON], body)


@scenario(
    "origin-form-at-squid",
    findings=("origin-form-at-squid",),
    title="400 Invalid URL: an origin-form request at Squid's port",
    what="curl sends GET /v1/models to 172.30.0.10:3128 as if it were a web server; then one call "
    "to the API proxy.",
    wrong="Something sends web traffic to the forward proxy's port without telling the client.",
    learn="Redirected connections carry origin-form: Squid answers 400 and never asks anybody.",
)
def origin_form(lab: Lab) -> None:
    lab.agent.curl(f"{lab.squid.url}/v1/models", [])
    lab.anthropic()
