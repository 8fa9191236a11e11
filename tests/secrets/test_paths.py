"""Which segments and parameters of a target may be shown."""

from __future__ import annotations

import pytest

from inspector.model.providers import PROVIDERS
from inspector.secrets.paths import (
    hidden_in_parameter,
    hidden_in_path,
    is_known,
    segments_of,
)


def shown(path: str, more: frozenset[str] = frozenset()) -> str:
    for start, stop in reversed(hidden_in_path(path, more)):
        path = path[:start] + "#" + path[stop:]
    return path


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages", "/v1/messages/count_tokens", "/v1/v1/messages", "/", "*", "",
        "/openai/deployments/gpt-4o-prod/chat/completions",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        "/model/anthropic.claude-3-sonnet-20240229-v1%3A0/converse",
        "api.anthropic.com:443", "http://172.30.0.30:10001/v1/messages", "[fd00:172:30::30]:10001",
        *(prefix for row in PROVIDERS for prefix in row.path_prefixes),
    ],
)  # fmt: skip
def test_the_paths_of_the_references_are_granted(path: str) -> None:
    assert shown(path) == path


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("/bot123456789:AAqwertyuiopasd/sendMessage", "/#:#/#"),
        ("/services/T00000001/B00000002/qwertyuiopQWERTY", "/services/#/#/#"),
        ("/v1/files/file-abc123DEF456", "/v1/files/#"),
        ("https://lab.test/v1/qwertyuiopasdfgh", "https://lab.test/v1/#"),
        ("https://qwErtyUi0pAsd1.lab.test/", "https://#.lab.test/"),
        ("/v1#access_token=qwertyuiop&state=qwer", "/v1#access_token=#&state=#"),
    ],
)
def test_a_segment_that_no_table_has_is_hidden(path: str, left: str) -> None:
    assert shown(path) == left


@pytest.mark.parametrize("segment", ["message", "mesages", "messagse", "messagess", "Messages"])
def test_a_segment_that_is_a_letter_away_from_a_known_one_is_shown(segment: str) -> None:
    assert is_known(segment)


def test_two_letters_away_it_is_not() -> None:
    assert not is_known("completionsses")
    assert not is_known("mesage" + "sxyz")


def test_a_user_may_add_paths() -> None:
    assert shown("/api/coding-plan/v4") == "/api/#/v4"
    assert shown("/api/coding-plan/v4", segments_of(["/api/coding-plan/"])) == "/api/coding-plan/v4"


@pytest.mark.parametrize(
    "parameter",
    ["alt=sse", "beta=true", "api-version=2025-03-01-preview", "limit=100", "key=", "n=1",
     "model=claude-sonnet-4-5"],
)  # fmt: skip
def test_a_parameter_of_the_table_is_granted_in_its_grammar(parameter: str) -> None:
    name, _, value = parameter.partition("=")
    assert hidden_in_parameter(name, value) == []


def test_every_other_value_is_hidden_and_its_name_is_not() -> None:
    assert hidden_in_parameter("session", "qwerty") == [(8, 14)]
    assert hidden_in_parameter("alt", "qwerty") == [(4, 10)]
    assert hidden_in_parameter("SAMLResponse", "qwerty") == [(13, 19)]


def test_a_name_that_is_no_word_is_hidden() -> None:
    assert hidden_in_parameter("qwErtyUi0pAsd1fgh", None) == [(0, 17)]


@pytest.mark.parametrize(
    ("target", "left"),
    [
        ("https://lab:::error::HERON x/v1", "https://lab:#/v1"),
        ("https://lab:secret/v1/messages", "https://lab:#/v1/messages"),
        ("//lab test:443", "//#"),
        ("[fd00::1", "#"),
        ("https://[fd00::1]:443/v1", "https://[fd00::1]:443/v1"),
    ],
)
def test_of_an_authority_that_is_no_host_nothing_is_shown(target: str, left: str) -> None:
    assert shown(target) == left


@pytest.mark.parametrize(
    ("target", "left"),
    [
        ("/v1/messages ::error::/models", "/v1/#"),
        ("/v1/::error::x##[error]HERON", "/v1/::error::x###"),
        ("/v1/chat#a ##[group]b", "/v1/chat##"),
        ("/v1/chat|list", "/v1/#"),
        ("/v1/qwertyuiop1/a b", "/v1/#/#"),
        ("/v1/models/{model}:generateContent", "/v1/models/{model}:generateContent"),
    ],
)
def test_of_a_target_nothing_is_shown_from_what_stands_in_none(target: str, left: str) -> None:
    assert shown(target) == left


@pytest.mark.parametrize(
    ("target", "left"),
    [
        ("mtptbeqo50wpdo1n2evrkdy4t3w7://lab.test/v1", "#://lab.test/v1"),
        ("rzhx-ztrv-ftjv-lpuy://lab.test/v1", "#://lab.test/v1"),
        ("https://lab.test/v1", "https://lab.test/v1"),
        ("chrome-extension://lab/v1", "chrome-extension://lab/v1"),
    ],
)
def test_a_scheme_that_is_no_word_is_hidden(target: str, left: str) -> None:
    assert shown(target) == left
