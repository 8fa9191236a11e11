"""The API itself refuses, fails or stops: what travels inside the tunnel and back to the agent."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER, COPILOT_PLACEHOLDER
from lab.record import Lab, chat
from lab.scenarios import Expect, scenario

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
#: Retired by the upstream stand-in.
RETIRED_BETA = "context-1m-2025-08-07"


def refused(code: str) -> Expect:
    return Expect(root_cause=code, H4a=True, H4b=True)


@scenario(
    "upstream-403",
    title="403 permission_error from the API, inside the tunnel",
    what="curl and the Python SDK; the API answers 403.",
    wrong="The organization behind the key is disabled.",
    learn="Three parties can say 403. This one is JSON with permission_error and a request-id: "
    "the API's. Squid's is text/html with X-Squid-Error, the API proxy's opens no tunnel.",
    expect=refused("upstream-forbidden"),
    upstream={"api.anthropic.com": {"answer": "403"}},
)
def forbidden(lab: Lab) -> None:
    lab.anthropic()
    lab.agent.python_sdk("anthropic", base_url=lab.api(), api_key=ANTHROPIC_PLACEHOLDER)


@scenario(
    "upstream-413",
    title="413 request_too_large from the API",
    what="Claude Code twice; the API answers 413.",
    wrong="The request is too large for the API.",
    learn="A 413 with a tunnel is the API's own; the API proxy's limit of 10 MB opens none.",
    expect=refused("upstream-bad-request"),
    upstream={"api.anthropic.com": {"answer": "413"}},
)
def too_large(lab: Lab) -> None:
    lab.claude_code(API_KEY)
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "upstream-429",
    title="429 rate_limit_error, then success on the second retry",
    what="The Python SDK with two retries; the API answers 429 twice, then 200.",
    wrong="The API limits the rate for a moment; the third request makes the call good.",
    learn="One call of the program, three requests and three tunnels: x-stainless-retry-count "
    "counts 0, 1, 2, and retry-after says how long to wait. Nothing failed for good.",
    expect=Expect(H4a=True, H4b=True),
    upstream={"api.anthropic.com": {"answer": "429", "times": 2, "retry_after": 1}},
)
def rate_limited(lab: Lab) -> None:
    lab.agent.python_sdk("anthropic", base_url=lab.api(), api_key=ANTHROPIC_PLACEHOLDER, retries=2)


@scenario(
    "upstream-529",
    title="529 overloaded_error on every call",
    what="curl and Claude Code; the API is overloaded.",
    wrong="The API is overloaded.",
    learn="529 is Anthropic's own status: nothing on this side is wrong.",
    expect=refused("upstream-overloaded"),
    upstream={"api.anthropic.com": {"answer": "529"}},
)
def overloaded(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY)


@scenario(
    "upstream-500",
    title="500 api_error on every call",
    what="curl twice; the API fails.",
    wrong="The API has an internal error.",
    learn="The API's own 500 is JSON inside the tunnel; Squid's 500 (ERR_CANNOT_FORWARD) is not.",
    expect=refused("upstream-server-error"),
    upstream={"api.anthropic.com": {"answer": "500"}},
)
def server_error(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)


@scenario(
    "retry-storm",
    findings=("retry-storm",),
    title="Ten retries in a row, 529 each time",
    what="Claude Code retries ten times, half a second apart; the API is overloaded.",
    wrong="The API is overloaded, and the client keeps asking.",
    learn="Eleven requests with the same credential and eleven tunnels: Claude Code's "
    "X-Stainless-Retry-Count stays 0, so only the rhythm shows the retries.",
    expect=refused("upstream-overloaded"),
    upstream={"api.anthropic.com": {"answer": "529"}},
)
def retry_storm(lab: Lab) -> None:
    lab.claude_code(API_KEY, times=11, pause=0.5)


@scenario(
    "upstream-json-cut",
    title="A JSON answer shorter than promised",
    what="curl and Claude Code ask for JSON; the upstream closes in the middle of the body.",
    wrong="The upstream cuts the body.",
    learn="Content-Length promised more: the connection ended before. Not a stream, not a status.",
    expect=Expect(root_cause="response-cut", H4a=True),
    upstream={"api.anthropic.com": {"body": "cut"}},
)
def json_cut(lab: Lab) -> None:
    lab.anthropic()
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "upstream-stream-reset",
    title="The tunnel is reset in mid-stream",
    what="Claude Code streams; the upstream resets its connection.",
    wrong="The upstream resets the connection.",
    learn="Behind Squid a reset becomes what Squid makes of it, and behind the API proxy a FIN.",
    expect=Expect(root_cause="stream-cut", H4a=True),
    upstream={"api.anthropic.com": {"stream": "reset", "after": 6}},
    stream={"terminated": False, "truncated": True},
)
def stream_reset(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "upstream-cut-inside-event",
    title="The stream breaks off in the middle of an event",
    what="Claude Code streams; the upstream closes after 700 bytes of events, inside one.",
    wrong="The upstream cuts the stream.",
    learn="The last event has neither its end nor whole JSON, and that is no malformed event: the "
    "stream was cut, from upstream first.",
    expect=Expect(root_cause="stream-cut", H4a=True),
    upstream={"api.anthropic.com": {"stream": "cut", "at": 700}},
    stream={"terminated": False, "malformed": 0, "truncated": True},
)
def cut_inside(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "upstream-stream-stalls",
    title="The stream stops, and the client gives up",
    what="The upstream sends six events and then nothing; Claude Code leaves after two seconds.",
    wrong="The upstream stalls.",
    learn="Silence after six events on both sides of the API proxy; the client closes, not the "
    "server.",
    expect=Expect(root_cause="stream-stalled", H4a=True),
    upstream={"api.anthropic.com": {"stream": "stall", "after": 6}},
    stream={"terminated": False, "truncated": True},
    ended_by="client",
    settle=False,
)
def stream_stalls(lab: Lab) -> None:
    lab.claude_code(API_KEY, timeout=2.0)


@scenario(
    "retired-beta-retried",
    title="400 inside, 200 outside: a retired anthropic-beta",
    what="curl with a retired beta; the API answers 400, the newer API proxy asks again without "
    "the header and succeeds.",
    wrong="Nothing for the agent; the header is retired.",
    learn="Two tunnels for one agent request: the first answer stayed inside.",
    upstream={"api.anthropic.com": {"retired_betas": [RETIRED_BETA]}},
)
def retired_beta(lab: Lab) -> None:
    lab.anthropic(API_KEY, ("anthropic-beta", RETIRED_BETA))


@scenario(
    "retired-beta-refused",
    title="400: unexpected value for the anthropic-beta header",
    what="The same call behind the API proxy of the older generation, which relays the 400.",
    wrong="The client sends an anthropic-beta that the API has retired.",
    learn="The header that steers the call is refused by name; the credential was accepted.",
    expect=Expect(root_cause="client-header-rejected", H1=None, H4a=True, H4b=True),
    generation="old",
    upstream={"api.anthropic.com": {"retired_betas": [RETIRED_BETA]}},
)
def retired_beta_refused(lab: Lab) -> None:
    lab.anthropic(API_KEY, ("anthropic-beta", RETIRED_BETA))


@scenario(
    "copilot-wrong-scheme",
    title="Copilot answers 400: Authorization header is badly formatted",
    what="curl twice to Copilot's port; the API proxy sends `token` where the host wants `Bearer`.",
    wrong="The API proxy writes the wrong authorization scheme.",
    learn="What the agent sent is right; the scheme was written behind it. The answer names it.",
    expect=Expect(root_cause="wrong-auth-scheme", H1=None, H4a=True, H4b=True),
    proxy={"copilot_scheme": "token"},
)
def wrong_scheme(lab: Lab) -> None:
    for _ in range(2):
        lab.agent.curl(
            f"{lab.api('copilot')}/chat/completions",
            [
                ("Authorization", f"Bearer {COPILOT_PLACEHOLDER}"),
                ("Copilot-Integration-Id", "copilot-developer-cli"),
                ("Content-Type", "application/json"),
            ],
            chat(),
        )


@scenario(
    "upstream-429-lasts",
    title="429 from the API, again and again",
    what="The Python SDK tries a call three times, then curl once; the API's limit stays reached.",
    wrong="The rate limit of the account is reached.",
    learn="The tunnel is 200, the API answers 429 each time: nothing on this side is wrong.",
    expect=Expect(root_cause="upstream-rate-limited", H1=None, H4a=True, H4b=True),
    upstream={"api.anthropic.com": {"answer": "429", "retry_after": 0}},
)
def limited(lab: Lab) -> None:
    lab.agent.python_sdk("anthropic", base_url=lab.api(), api_key=ANTHROPIC_PLACEHOLDER, retries=2)
    lab.anthropic()
