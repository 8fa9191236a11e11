"""Another gateway in the API proxy's place: what it answers by itself, in its own words."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.record import Lab, message
from lab.scenarios import Expect, scenario

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
_SLOW = {"api.anthropic.com": {"first_byte": 4.0}}


@scenario(
    "nginx-too-large",
    title="413 from nginx in the API proxy's place",
    what="curl with 4 KB of body, twice; nginx lets 1 KB through.",
    wrong="client_max_body_size of the gateway is too small.",
    learn="HTML signed by nginx, and no connection was opened: the API never saw the call.",
    expect=Expect(root_cause="proxy-refused", H1=None),
    gateway="nginx",
    limits={"client_max_body_size": "1k"},
)
def nginx_too_large(lab: Lab) -> None:
    for _ in range(2):
        lab.anthropic(body=message(system="Ledger. " * 500))


@scenario(
    "nginx-timeout",
    title="504 from nginx while the tunnel stands and is silent",
    what="curl and Claude Code; the API takes 4 s, nginx waits 1 s.",
    wrong="proxy_read_timeout of the gateway is shorter than the API takes.",
    learn="The tunnel is intact and silent, and both calls end after the same time: a limit of "
    "the gateway's own, not the API.",
    expect=Expect(root_cause="gateway-timeout", H1=None, H4a=None, H4b=False),
    upstream=_SLOW,
    gateway="nginx",
    limits={"proxy_read_timeout": "1s"},
    settle=False,
)
def nginx_timeout(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "haproxy-no-server",
    title="503 from HAProxy, which reaches nobody",
    what="curl and Claude Code; nobody listens where HAProxy sends its calls.",
    wrong="The gateway's upstream does not run.",
    learn="The gateway's own 503: it opened no connection that anybody took.",
    expect=Expect(root_cause="gateway-cannot-connect", H1=None),
    gateway="haproxy",
    limits={"server": "172.30.0.30:9"},
)
def haproxy_no_server(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "haproxy-timeout",
    title="504 from HAProxy while the tunnel stands and is silent",
    what="curl twice; the API takes 4 s, HAProxy waits 1 s.",
    wrong="timeout server of the gateway is shorter than the API takes.",
    learn="HTML in HAProxy's words while the tunnel is intact: the gateway gave up.",
    expect=Expect(root_cause="gateway-timeout", H1=None, H4a=None, H4b=False),
    upstream=_SLOW,
    gateway="haproxy",
    limits={"timeout server": "1s"},
    settle=False,
)
def haproxy_timeout(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "nginx-closes",
    title="nginx closes the connection in place of an answer",
    what="curl and Claude Code; nginx's `return 444` ends each connection without a byte.",
    wrong="A rule of the gateway closes calls without an answer.",
    learn="FIN and not one byte, no tunnel, and nginx lives on: nobody died.",
    expect=Expect(root_cause="call-unanswered", H1=None, H3=None, H4a=None),
    gateway="nginx",
    limits={"return": "444"},
)
def nginx_closes(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)
