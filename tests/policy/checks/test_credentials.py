from __future__ import annotations

import pytest

from inspector.policy.model import Auth, HeaderRules
from tests.exchanges.network import KEY, PLACEHOLDER, Network, request, response, say
from tests.policy.checks.holding import KEPT, NOT_PROVEN, found, held

OTHER = "sk-placeholder-for-api-proxy"


def call(*fields: str, target: str = "/v1/messages") -> Network:
    net = Network()
    say(net.to_api_proxy(), request(f"POST {target} HTTP/1.1", *fields), response()).close()
    return net


def test_only_some_schemes_of_authorization() -> None:
    net = call(f"Authorization: token {PLACEHOLDER}")
    assert found(net, auth=Auth(schemes=("Bearer",))) == ["the scheme token"]
    assert held(net, auth=Auth(schemes=("TOKEN",))).exit_code == KEPT
    assert held(call(f"x-api-key: {PLACEHOLDER}"), auth=Auth(schemes=("Bearer",))).exit_code == KEPT


def test_a_value_without_a_scheme_has_none() -> None:
    net = call(f"Authorization: {PLACEHOLDER}")
    assert found(net, auth=Auth(schemes=("Bearer",))) == ["the scheme none"]


def test_only_some_kinds_of_credentials() -> None:
    net = call(f"x-api-key: {KEY}")
    assert found(net, auth=Auth(kinds=("placeholder",))) == ["one of the kind anthropic-api-key"]
    assert held(net, auth=Auth(kinds=("anthropic-api-key",))).exit_code == KEPT


def test_which_placeholder_stands_for_a_key() -> None:
    net = call(f"x-api-key: {PLACEHOLDER}")
    assert held(net, auth=Auth(placeholders=(PLACEHOLDER,))).exit_code == KEPT
    assert found(net, auth=Auth(placeholders=(OTHER,))) == [PLACEHOLDER]


def test_no_credential_in_a_query() -> None:
    net = call(target=f"/v1/messages?key={PLACEHOLDER}")
    assert found(net, auth=Auth(query=False)) == ["one in ?key"]
    assert held(call(f"x-api-key: {PLACEHOLDER}"), auth=Auth(query=False)).exit_code == KEPT


def test_a_header_that_must_be_absent() -> None:
    net = call("X-Forwarded-For: 10.0.0.1")
    assert found(net, headers=HeaderRules(absent=("x-forwarded-for",))) == [
        "the header X-Forwarded-For"
    ]
    assert held(call(), headers=HeaderRules(absent=("x-forwarded-for",))).exit_code == KEPT


def test_headers_that_must_be_present() -> None:
    net = call("anthropic-version: 2023-06-01")
    rules = HeaderRules(present=("Anthropic-Version", "x-app"))
    assert found(net, headers=rules) == ["a request without x-app"]
    assert held(net, headers=HeaderRules(present=("anthropic-version",))).exit_code == KEPT


@pytest.mark.parametrize("rules", [HeaderRules(absent=("x-app",)), HeaderRules(present=("x-app",))])
def test_of_a_request_that_was_not_seen_whole_neither_is_proven(rules: HeaderRules) -> None:
    net = Network()
    whole = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}", body=b"{}")
    net.to_api_proxy().up(whole[:-1])
    judgement = held(net, headers=rules)
    assert (judgement.exit_code, judgement.broken) == (NOT_PROVEN, ())
