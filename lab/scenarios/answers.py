"""What an answer says decides the cause: the same status stands for different things."""

from __future__ import annotations

import time

from lab.clients import ANTHROPIC_PLACEHOLDER, GEMINI_PLACEHOLDER, OPENAI_PLACEHOLDER
from lab.record import Lab, chat, message
from lab.scenarios import Expect, scenario

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
#: As the API itself answers, inside the tunnel.
_OPENAI = "api.openai.com"
_BEDROCK = "bedrock-runtime.us-east-1.amazonaws.com"


def _said(code: str, *, H1: bool | None = None, H4b: bool = True) -> Expect:
    return Expect(root_cause=code, H1=H1, H4a=True, H4b=H4b)


@scenario(
    "answer-key-missing",
    title="401: You didn't provide an API key",
    what="curl to OpenAI twice; the API says that no key arrived.",
    wrong="The API proxy writes its key where the API does not look for it.",
    learn="A 401 that judged no key: another key changes nothing, the header does.",
    expect=_said("credential-not-received"),
    upstream={_OPENAI: {"answer": "key-missing"}},
)
def key_missing(lab: Lab) -> None:
    lab.openai()
    lab.openai(stream=True)


@scenario(
    "answer-token-expired",
    title="401: OAuth token has expired",
    what="Claude Code twice; the API says that the token has expired.",
    wrong="The API proxy's token was good and has expired.",
    learn="The same status and type as a bad key; its words tell that it is to be refreshed, not "
    "replaced.",
    expect=_said("credential-expired"),
    upstream={"api.anthropic.com": {"answer": "token-expired"}},
)
def token_expired(lab: Lab) -> None:
    lab.claude_code(API_KEY)
    lab.claude_code(API_KEY, stream=False)


@scenario(
    "answer-organization",
    title="401: OpenAI-Organization should match the key's organization",
    what="curl to OpenAI once; the API refuses the client's header.",
    wrong="The client sends OpenAI-Organization of another organization than that of the key.",
    learn="A 401 about a header that passes through: the key is good.",
    expect=_said("client-header-rejected"),
    upstream={_OPENAI: {"answer": "organization"}},
)
def organization(lab: Lab) -> None:
    lab.openai()


@scenario(
    "answer-model-missing",
    title="404: The model does not exist",
    what="curl to OpenAI twice; the API has no such model.",
    wrong="The client asks for a model that the API does not have.",
    learn="A 404 whose path is right: the model is missing, not the path.",
    expect=_said("model-not-found", H1=False),
    upstream={_OPENAI: {"answer": "model-missing"}},
)
def model_missing(lab: Lab) -> None:
    lab.openai()
    lab.openai(stream=True)


@scenario(
    "answer-model-unsupported",
    title="400: The requested model is not supported",
    what="curl to OpenAI once; the API does not serve the model to this account.",
    wrong="The account may not use the model.",
    learn="A 400 about the model alone: path and key are good.",
    expect=_said("model-refused", H1=False),
    upstream={_OPENAI: {"answer": "model-unsupported"}},
)
def model_unsupported(lab: Lab) -> None:
    lab.openai()


@scenario(
    "edge-challenge",
    title="403 from a network in front of the API: Just a moment...",
    what="curl to OpenAI once; the edge before the API asks for a browser.",
    wrong="The edge does not let the address in from which Squid leaves.",
    learn="HTML with cf-mitigated is no permission_error: the API never looked, no key was judged.",
    expect=_said("edge-refused", H1=False, H4b=False),
    upstream={_OPENAI: {"answer": "challenge"}},
)
def challenge(lab: Lab) -> None:
    lab.openai()


@scenario(
    "answer-redirect",
    title="308: the call is sent to another host",
    what="curl to OpenAI once; the API sends it to eu.api.openai.com.",
    wrong="The API proxy's target is not the host that serves this account.",
    learn="No error's status, and no answer either: the target is to be set to the new host.",
    expect=_said("redirected", H1=False, H4b=False),
    upstream={_OPENAI: {"answer": "moved"}},
)
def moved(lab: Lab) -> None:
    lab.openai()


@scenario(
    "answer-error-in-200",
    title="200 with an error's object in its body",
    what="curl to OpenAI twice; the API answers 200 and says that it failed.",
    wrong="The API fails, and its gateway makes a 200 of it.",
    learn="The status of success is no success: the body is an error's object.",
    expect=_said("answer-unusable", H1=False),
    upstream={_OPENAI: {"answer": "error-in-200"}},
)
def error_in_200(lab: Lab) -> None:
    lab.openai()
    lab.openai()


@scenario(
    "upgrade-refused",
    title="426 to a WebSocket, and the same call by POST succeeds",
    what="Codex offers WebSocket for /v1/responses and is refused; it makes the call by POST.",
    wrong="Nothing for the agent: the second try is good.",
    learn="A refused upgrade that the client makes good at once is no failure.",
    expect=Expect(H4a=True, H4b=True),
    upstream={_OPENAI: {"answer": "upgrade-required", "times": 1}},
)
def upgrade_refused(lab: Lab) -> None:
    credential = ("authorization", f"Bearer {OPENAI_PLACEHOLDER}")
    url, host = f"{lab.api('openai')}/v1/responses", ("Host", lab.host("openai"))
    offer = [
        host,
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "TEFCT05MWUxBQk9OTFkhIQ=="),
        credential,
    ]
    lab.agent.plain(url, offer, method="GET", program="codex", websocket=True)
    asked = [host, ("Content-Type", "application/json"), credential]
    lab.agent.plain(url, asked, chat(stream=True), program="codex")


@scenario(
    "gemini-key-as-bearer",
    title="401 from Gemini: an API key where an OAuth token belongs",
    what="curl calls generateContent and streamGenerateContent.",
    wrong="The API proxy sends the API key as Authorization: Bearer, not as x-goog-api-key.",
    learn="A 401 that judged no key: it was looked for in another header.",
    expect=_said("credential-in-wrong-header"),
    proxy={"gemini_bearer": True},
)
def key_as_bearer(lab: Lab) -> None:
    models = f"{lab.api('gemini')}/v1beta/models/gemini-lab-1"
    headers = [("x-goog-api-key", GEMINI_PLACEHOLDER), ("content-type", "application/json")]
    body = '{"contents":[{"parts":[{"text":"Say hello to the lab."}]}]}'
    lab.agent.curl(f"{models}:generateContent", headers, body)
    lab.agent.curl(f"{models}:streamGenerateContent?alt=sse", headers, body)


@scenario(
    "base-path-lost",
    title="404 from a host that is not the API's: the path is good, the target is not",
    what="curl to OpenAI twice; the API proxy sends the calls to Bedrock's host.",
    wrong="The API proxy's target for OpenAI is Bedrock's host without /openai before the path.",
    learn="The CONNECT names the host: OpenAI has the path, the host that answered has not.",
    expect=_said("wrong-target", H4b=True),
    targets={"openai": _BEDROCK},
)
def other_target(lab: Lab) -> None:
    lab.openai()
    lab.openai(stream=True)


@scenario(
    "signature-expired",
    title="403 from Bedrock: the signature's time is over",
    what="curl signs with SigV4 and a time of an hour ago, twice; the API proxy passes the "
    "signature on to Bedrock.",
    wrong="The clock of the machine that signs is an hour behind.",
    learn="A 403 that judged no key: the signature's own time is too far from the server's.",
    expect=_said("clock-skew"),
    proxy={"passes": True},
    targets={"anthropic": _BEDROCK},
    findings=("real-key-on-agent-hop",),
)
def signature_expired(lab: Lab) -> None:
    url = f"{lab.api()}/model/anthropic.claude-lab-1/invoke"
    an_hour_ago = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 3600))
    headers = [("X-Amz-Date", an_hour_ago), ("Content-Type", "application/json")]
    signs = ("--aws-sigv4", "aws:amz:us-east-1:bedrock")
    key = ("--user", "AKIALABONLYLABONLY00:LABONLYLABONLYLABONLYLABONLYLABONLY00000")
    for _ in range(2):
        lab.agent.curl(url, headers, message(), options=(*signs, *key))
