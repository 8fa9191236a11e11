"""The hypotheses about the first failure, each as it looks on the wire."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER, OLD_TOKEN_PLACEHOLDER
from lab.record import Lab
from lab.scenarios import Expect, scenario

BEARER = ("Authorization", f"Bearer {ANTHROPIC_PLACEHOLDER}")
OLD_BEARER = ("Authorization", f"Bearer {OLD_TOKEN_PLACEHOLDER}")
API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
#: Without the tunnel's keys nobody can tell on which side of the API proxy the damage arose.
UNTOLD = {"H3": "not observable"}
REFUSED = Expect(root_cause="upstream-rejected-credential", H4a=True, H4b=True)


@scenario(
    "h1-bearer-only",
    title="Only Authorization: Bearer, no x-api-key: healthy",
    what="Claude Code with a token only, JSON and stream; the Python SDK with auth_token.",
    wrong="nothing",
    learn="Bearer in place of x-api-key is healthy behind the API proxy: it takes both off and "
    "sends its own x-api-key.",
)
def bearer_only(lab: Lab) -> None:
    lab.claude_code(BEARER)
    lab.claude_code(BEARER, stream=False)
    lab.agent.python_sdk("anthropic", base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER)


@scenario(
    "h1-wrong-path",
    title="404 on every call: /v1/complete",
    what="Claude Code's headers, but the path of the retired completions API; then a base URL "
    "that repeats /v1.",
    wrong="The client asks for a path that the API does not have.",
    learn="The credential was accepted: a 404 comes from the API, inside an established tunnel. "
    "Path, not key.",
    expect=Expect(root_cause="wrong-path", H1=True, H4a=True, H4b=True),
)
def wrong_path(lab: Lab) -> None:
    lab.claude_code(API_KEY, path="/v1/complete", stream=False)
    lab.anthropic(path="/v1/v1/messages")


@scenario(
    "h1-newer-version",
    title="400: anthropic-version is not a valid version",
    what="Claude Code twice with an anthropic-version that the API does not know.",
    wrong="The client sends an anthropic-version newer than the API.",
    learn="The API proxy adds a version only where there is none: the client's own goes through. "
    "The header steers the call and is refused by name in the error.",
    expect=Expect(root_cause="client-header-rejected", H1=True, H4a=True, H4b=True),
)
def newer_version(lab: Lab) -> None:
    lab.claude_code(API_KEY, version="2027-01-01", stream=False)
    lab.claude_code(API_KEY, version="2027-01-01")


@scenario(
    "h2-two-placeholders",
    title="Two placeholders that differ: healthy",
    what="Claude Code with key helper and token: x-api-key has one placeholder, Authorization the "
    "older one.",
    wrong="nothing",
    learn="Two different placeholders break nothing by themselves: the API proxy takes both off.",
)
def two_placeholders(lab: Lab) -> None:
    lab.claude_code(API_KEY, OLD_BEARER)
    lab.claude_code(API_KEY, OLD_BEARER, stream=False)


@scenario(
    "h2-both-headers-equal",
    title="Both headers with the same placeholder: healthy",
    what="Claude Code with key helper and token, as the fix sets them: x-api-key and Authorization "
    "carry the same placeholder.",
    wrong="nothing",
    learn="What the fix made of it: equal placeholders in both headers.",
)
def both_equal(lab: Lab) -> None:
    lab.claude_code(API_KEY, BEARER)


@scenario(
    "h2-key-helper-only",
    title="A key helper alone: its value in both headers, healthy",
    what="Claude Code with a key helper and no token, as a stream and as JSON; then with an API "
    "key in place of the helper.",
    wrong="nothing",
    learn="The helper's value is sent twice, as x-api-key and as Bearer; an API key is sent once.",
)
def key_helper(lab: Lab) -> None:
    lab.claude_code(API_KEY, BEARER)
    lab.claude_code(API_KEY, BEARER, stream=False)
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "h3-proxy-truncates",
    title="The stream ends after four pieces while the tunnel goes on",
    what="Claude Code and the Python SDK stream; the API proxy drops the agent's connection after "
    "four pieces and goes on reading its tunnel to the end.",
    wrong="The API proxy cuts the stream.",
    learn="The agent's connection closes first; the tunnel carries data after that. The damage "
    "arose at the API proxy: this is H3.",
    expect=Expect(root_cause="stream-cut", H3=True, H4a=True),
    proxy={"stream": "truncate"},
    stream={"terminated": False, "truncated": True},
)
def proxy_truncates(lab: Lab) -> None:
    lab.claude_code(API_KEY)
    lab.agent.python_sdk(
        "anthropic", base_url=lab.api(), api_key=ANTHROPIC_PLACEHOLDER, stream=True, retries=0
    )


@scenario(
    "h3-proxy-truncates-cleanly",
    title="The stream lacks its end behind a clean last chunk",
    what="The API proxy ends the agent's stream after four pieces with a proper last chunk.",
    wrong="The API proxy cuts the stream and hides it.",
    learn="HTTP is complete and the stream is not: message_stop is missing. An SDK may report "
    "success.",
    expect=Expect(root_cause="stream-cut", H3=None, H4a=True),
    proxy={"stream": "truncate-clean"},
    upstream={"api.anthropic.com": {"pace": 0.1}},
    stream={"terminated": False, "malformed": 0},
)
def proxy_truncates_cleanly(lab: Lab) -> None:
    lab.claude_code(API_KEY)
    lab.anthropic(stream=True)


@scenario(
    "h3-proxy-mangles",
    title="Two events of the stream do not parse (damage at the API proxy)",
    what="The API proxy spoils one event's field name and takes one event's blank line away.",
    wrong="The API proxy mangles the stream's framing.",
    learn="The stream arrives whole and ends well, and two of its events are broken.",
    expect=Expect(root_cause="stream-malformed", H3=None, H4a=True),
    verdicts=UNTOLD,
    proxy={"stream": "mangle"},
    oddities={"sse-broken-json": 1, "sse-broken-line": 1},
    stream={"terminated": True, "truncated": False},
)
def proxy_mangles(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "h3-proxy-content-type",
    title="An event stream labelled text/plain",
    what="The API proxy changes the stream's content-type.",
    wrong="The API proxy mislabels the stream.",
    learn="The bytes are those of a healthy stream; the label is not.",
    expect=Expect(root_cause="stream-malformed", H3=None, H4a=True),
    verdicts=UNTOLD,
    proxy={"stream": "content-type"},
    stream=None,
)
def proxy_content_type(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "h3-proxy-gzip-mismatch",
    title="A plain stream labelled gzip",
    what="The API proxy adds content-encoding: gzip to a stream that is not compressed.",
    wrong="The API proxy mislabels the stream's coding.",
    learn="The body cannot be decoded as labelled, and every client fails on the first byte.",
    expect=Expect(root_cause="stream-malformed", H3=None, H4a=True),
    verdicts=UNTOLD,
    proxy={"stream": "gzip-label"},
    oddities={"content-encoding-mismatch": 1},
    stream={"terminated": True, "malformed": 0},
)
def proxy_gzip(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "h3-proxy-buffers",
    title="All events of the stream arrive at once",
    what="The API proxy holds the stream back until the upstream has finished.",
    wrong="Nothing fails; the stream is no stream any more.",
    learn="All events have the time of the last: buffered on the way.",
    proxy={"stream": "buffer"},
    upstream={"api.anthropic.com": {"pace": 0.1}},
)
def proxy_buffers(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "h3-rechunked-healthy",
    title="A stream cut into other chunks: healthy",
    what="The API proxy passes the stream on in pieces of 100 bytes, through events and lines.",
    wrong="nothing",
    learn="Chunks are no events: a stream cut elsewhere is the same stream.",
    proxy={"stream": "rechunk"},
)
def rechunked(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "h3-upstream-cut",
    title="The stream breaks off, and the tunnel closed first",
    what="Claude Code and curl stream; the upstream closes in mid-stream.",
    wrong="The upstream cuts the stream.",
    learn="No message_stop and no last chunk, but the tunnel closed before the agent's "
    "connection: the damage came from upstream, and H3 is refuted.",
    expect=Expect(root_cause="stream-cut", H4a=True),
    upstream={"api.anthropic.com": {"stream": "cut", "after": 6}},
    stream={"terminated": False, "truncated": True},
)
def upstream_cut(lab: Lab) -> None:
    lab.claude_code(API_KEY)
    lab.anthropic(stream=True)


@scenario(
    "h3-upstream-cut-old-proxy",
    title="The stream breaks off behind an error text and a clean last chunk",
    what="The same cut behind the API proxy of the older generation.",
    wrong="The upstream cuts the stream; the older API proxy hides it.",
    learn="0.25.4 appends a JSON text and a proper last chunk: HTTP is complete, an SDK reports "
    "success, and message_stop is missing.",
    expect=Expect(root_cause="stream-cut", H4a=True),
    generation="old",
    upstream={"api.anthropic.com": {"stream": "cut", "after": 6}},
    stream={"terminated": False},
    # The Python SDK's stream is gzip: the appended text damages the coding instead.
    oddities={"sse-bare-error": 1, "content-encoding-corrupt": 1},
)
def upstream_cut_old(lab: Lab) -> None:
    lab.claude_code(API_KEY)
    lab.agent.python_sdk(
        "anthropic", base_url=lab.api(), api_key=ANTHROPIC_PLACEHOLDER, stream=True, retries=0
    )


@scenario(
    "h3-upstream-bad-framing",
    title="Two events of the stream do not parse (damage at the upstream)",
    what="The upstream sends one event without its blank line and one with a broken field.",
    wrong="The upstream's stream is malformed.",
    learn="What the agent sees is what the upstream sent; only the keys of the tunnel prove it.",
    expect=Expect(root_cause="stream-malformed", H4a=True),
    verdicts=UNTOLD,
    upstream={"api.anthropic.com": {"stream": "bad-framing"}},
    oddities={"sse-broken-json": 1, "sse-broken-line": 1},
    stream={"terminated": True, "truncated": False},
)
def upstream_bad_framing(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "h3-upstream-error-event",
    title="200, and then event: error in the stream",
    what="The upstream reports an error inside the stream after its 200.",
    wrong="The upstream fails in mid-stream and says so.",
    learn="The status is 200 and the call failed: the error is an event of the stream.",
    expect=Expect(root_cause="stream-error-event", H4a=True, H4b=True),
    upstream={"api.anthropic.com": {"stream": "error-event"}},
    stream={"error": "overloaded_error"},
)
def upstream_error_event(lab: Lab) -> None:
    lab.claude_code(API_KEY)


@scenario(
    "h4-401-inside-tunnel",
    title="Squid says 200 four times, the agent sees 401 four times",
    what="curl twice, the Anthropic SDKs for Python and Node once each; the upstream rejects the "
    "real key that the API proxy holds.",
    wrong="The upstream refuses the API proxy's own key.",
    learn="Squid's 200 means that a tunnel was opened. The API's answer travels inside it and "
    "reaches the agent as 401, whatever the agent sent: two clients send x-api-key, two "
    "Authorization, and all are told that x-api-key is invalid, for that is what the proxy sent.",
    expect=REFUSED,
    upstream={"api.anthropic.com": {"answer": "401"}},
)
def refused_inside(lab: Lab) -> None:
    lab.anthropic()
    lab.anthropic(stream=True)
    lab.agent.python_sdk("anthropic", base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER)
    lab.agent.node_sdk(base_url=lab.api(), auth_token=ANTHROPIC_PLACEHOLDER)
