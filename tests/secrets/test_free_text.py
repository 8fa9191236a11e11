# ruff: noqa: E501  (messages are quoted as they are)
"""Of a message every word stays, and nothing that could be a key."""

from __future__ import annotations

import base64
import html
import random
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.secrets.free_text import hidden, hidden_in_name


def shown(text: str) -> str:
    for start, stop in reversed(hidden(text)):
        text = text[:start] + "#" + text[stop:]
    return text


#: Messages of APIs, of proxies and of clients, as they publish or write them.
MESSAGES = """\
invalid x-api-key
Provider returned error
Number of request tokens has exceeded your per-minute rate limit (https://docs.anthropic.com/en/api/rate-limits)
max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens for claude-3-7-sonnet-20250219
messages.0.content.1.image.source.base64.data: image exceeds 5 MB maximum: 6291456 bytes > 5242880 bytes
Unexpected value(s) `interleaved-thinking-2025-05-14` for the `anthropic-beta` header
The model `gpt-5-foo` does not exist or you do not have access to it.
Model 'gpt-5-codex' is retired or unsupported. Did you mean 'gpt-5.3-codex'?
You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)
models/gemini-1.5-pro-002 is not found for API version v1beta, or is not supported for generateContent.
Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/projects/my-project/locations/us-central1'
Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded token rate limit
bad request: Authorization header is badly formatted
Credentials for Anthropic (port 10001) are not configured. Set ANTHROPIC_API_KEY to enable this provider.
connect ECONNREFUSED 172.30.0.10:3128
getaddrinfo EAI_AGAIN awf-squid
Hostname/IP does not match certificate's altnames: Host: api.anthropic.com. is not in the cert's altnames: DNS:*.example.com
upstream connect error or disconnect/reset before headers. reset reason: remote connection failure
No API found for 'POST /v1/chat/completions'
Invalid URL (POST /v1/mesages)
Signature expired: 20261128T164400Z is now earlier than 20261128T165500Z (20261128T170000Z - 5 min.)
OpenAI-Organization header should match organization for API key
x509: certificate signed by unknown authority
Traceback: File "/usr/lib/python3.11/site-packages/litellm/main.py", line 431, in acompletion
litellm.AuthenticationError: AnthropicException - {"type":"error","error":{"type":"authentication_error"}}
ERR_CANNOT_FORWARD [No Error]
close 1011 (internal server error): keepalive ping timeout
Rate limit exceeded: try again in 1.4s, at 2026-11-28T17:00:00.123Z; 12.5% of 40,000
it\u2019s \u201cunavailable\u201d \u2013 retry\u2026
refused by [fd00:172:30::30]:10001, next is fd00::1
""".splitlines()


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_without_an_id_stays_whole(message: str) -> None:
    assert shown(message) == message


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("in organization org-LABONLY1234567890 on tokens", "in organization # on tokens"),
        ("include the request ID 1b2c3d4e-aaaa-bbbb-cccc-1234567890ab in", "include the request ID # in"),
        ("write EPROTO 803CA764257F0000:error:0A000410:SSL routines", "write EPROTO #:error:0A000410:SSL routines"),
        ("for consumer 'project_number:123456789012'", "for consumer 'project_number:#'"),
        ("request req_011LABONLYeqs5C35K2UUqR7Fy failed", "request # failed"),
        ("see https://lab.test/botLABONLY77f/send?code=LABONLY7&alt=sse now", "see https://lab.test/#/send?code=#&alt=sse now"),
        ("the code JBSW Y3DP EHPK 3PXP is", "the code # is"),
        ("at 4242 4242 4242 4242 of", "at # of"),
        ("ab:cd:ef:01:23:45:67:89 is", "# is"),
    ],
)  # fmt: skip
def test_an_id_is_hidden_and_the_sentence_stays(message: str, left: str) -> None:
    assert shown(message) == left


FRAMES = (
    "%s", "bad credential: %s - was sent", "value '%s' is wrong", "Invalid URL (GET /v1/%s/models)",
    "see https://lab.test/%s/a?x=%s", "the model `%s` was not found",
)  # fmt: skip
CHARACTERS = {
    "letters and digits": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "small letters": string.ascii_lowercase,
    "capitals": string.ascii_uppercase,
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "-_",
    "hexadecimal": "0123456789abcdef",
    "digits": string.digits,
}
WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda key: "".join(f"%{ord(char):02X}" for char in key),
    "percent twice": lambda key: quote("".join(f"%{ord(char):02x}" for char in key)),
    "of one letter": lambda key: key[:5] + f"%{ord(key[5]):02X}" + key[6:],
    "JSON": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "HTML": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "wrapped": lambda key: f"{key[:11]}\n{key[11:]}",
    "UTF-16": lambda key: key.encode("utf-16-le").decode("latin-1"),
    "letter by letter": lambda key: " ".join(key),
    "in threes": lambda key: " ".join(key[at : at + 3] for at in range(0, len(key), 3)),
    "in lines": lambda key: "\n".join(key[at : at + 8] for at in range(0, len(key), 8)),
    "in fours": lambda key: " ".join(key[at : at + 4] for at in range(0, len(key), 4)),
}


@given(
    st.sampled_from(FRAMES), st.sampled_from(sorted(CHARACTERS)), st.sampled_from(sorted(WRITINGS)),
    st.integers(20, 60), st.randoms(use_true_random=False),
)  # fmt: skip
def test_of_a_key_no_twelve_characters_stay(
    frame: str, characters: str, writing: str, length: int, chance: random.Random
) -> None:
    key = "".join(chance.choices(CHARACTERS[characters], k=length))
    written = WRITINGS[writing](key)
    left = shown(frame.replace("%s", written))
    views = (left, html.unescape(left), "".join(left.split()), left.replace("\0", ""))
    assert not any(
        key[at : at + 12] in view or written[at : at + 40] in view
        for view in views
        for at in range(len(key) - 11)
    )


@pytest.mark.parametrize(
    "written",
    [
        "6249 8574 f748 1280 4778", "342 017 783 336 be7 357 378 deb", "374 608 f00 802 062 dac d7",
        "72674fd9\n43987829\n7275b", "bd8a81a2\n78984019\n2410", "4b2bebd3\r\n25283207\r\nf6957",
        "22890735\n3258736b\n21bd0", "ec5c5ac7\n8740219d\n9039", "affc1bc2\n8859624d\nc599",
    ],
)  # fmt: skip
def test_pieces_that_look_like_numbers_are_hidden_with_those_beside_them(written: str) -> None:
    key = "".join(written.split())
    left = "".join(shown(f"header {written} refused").split())
    assert left.startswith("header")
    assert left.endswith("refused")
    assert not any(key[at : at + 5] in left for at in range(len(key) - 4))


@pytest.mark.parametrize(
    "text",
    [
        "port 3128 port 3129 port 3130", "from 2019 till 2024", "status 429\nstatus 503\nretry",
        "first line\nsecond one\nthird", "error\nfails\nwith 404",
    ],
)  # fmt: skip
def test_lines_and_numbers_of_a_sentence_stay(text: str) -> None:
    assert shown(text) == text


@given(st.text(max_size=60))
def test_what_is_hidden_is_in_order_apart_and_within(text: str) -> None:
    places = [place for span in hidden(text) for place in span]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)


def test_a_mask_of_a_redacted_copy_is_hidden_again() -> None:
    assert shown("request xxxx12345678 failed, xxx too") == "request # failed, # too"


def test_a_short_word_that_nobody_knows_is_shown_among_words_and_not_beside_a_key() -> None:
    assert shown("the host qzxk is down") == "the host qzxk is down"
    assert shown("the host qzxk LABONLY77f is down") == "the host # # is down"


@pytest.mark.parametrize("name", ["claude-sonnet-4-5-20250929", "gpt-4o-2024-08-06", "message_start",
                                  "response.output_text.delta", "llama-v3p1-405b", "awf-squid"])  # fmt: skip
def test_a_name_is_granted(name: str) -> None:
    assert not hidden(name)


@pytest.mark.parametrize("name", ["LABONLY77fq2", "3f9c2a7d41be4f6c", "qwrtzxkcdv"])
def test_another_name_is_not(name: str) -> None:
    assert hidden(name)


def test_a_text_that_is_too_long_is_hidden_whole() -> None:
    text = "words and " * 1000
    assert shown(text) == "#"


def test_the_scheme_of_a_url_is_hidden_like_any_word() -> None:
    assert shown("no q7zxktw4labonl9://lab.test/v1 here") == "no #://lab.test/v1 here"
    assert shown("no https://lab.test/v1 here") == "no https://lab.test/v1 here"


def test_of_a_name_all_between_two_parts_that_are_no_words_is_hidden() -> None:
    """What stands between them may be a number or a short word, and is of the same key."""
    name = "x-5f3c1a52-8032-324c-ca50-5e5a2b9d7c11-lab"
    assert hidden_in_name(name) == [(2, len(name) - 4)]
    assert hidden_in_name("x-litellm-api-key") == []
