"""Partners in any order, each once; and credentials told from their values."""

from __future__ import annotations

from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.expected import auth, expected
from lab.pattern import differences
from lab.places import place
from lab.proxy import ANTHROPIC_KEY


def test_a_pattern_asks_for_the_fields_it_names_and_no_others() -> None:
    assert differences({"a": 1}, {"a": 1, "b": 2}) == []
    assert differences({"a": 1}, {"a": 2}) == ["report.a: 2 where 1 ought to be"]
    assert differences({"a": None}, {}) == []


def test_elements_of_a_list_are_partners_in_any_order() -> None:
    assert differences([{"n": 1}, {"n": 2}], [{"n": 2}, {"n": 1}]) == []


def test_a_vague_pattern_leaves_the_only_partner_to_a_strict_one() -> None:
    strict = {"status": 200, "stream": {"terminated": True}}
    vague = {"status": 200}
    found = [strict, {"status": 200, "stream": None}]
    assert differences([vague, strict], found) == []
    assert differences([strict, strict], found) != []


def test_too_many_and_too_few_are_both_told() -> None:
    assert differences([], [{"n": 1}]) == ['report has besides {"n": 1}']
    assert differences([{"n": 1}], []) == ['report lacks {"n": 1}']


def test_plain_lists_are_equal_in_order() -> None:
    assert differences({"names": ["a", "b"]}, {"names": ["a", "b"]}) == []
    assert differences({"names": ["a", "b"]}, {"names": ["b", "a"]}) != []


def test_a_credential_is_told_from_its_value() -> None:
    placeholder = auth("Authorization", f"Bearer {ANTHROPIC_PLACEHOLDER}")
    assert placeholder["scheme"] == "Bearer"
    assert placeholder["credential"]["kind"] == "placeholder"
    assert placeholder["credential"]["length"] == len(ANTHROPIC_PLACEHOLDER)
    key = auth("x-api-key", ANTHROPIC_KEY)
    assert key["scheme"] is None
    assert key["credential"]["prefix"] == "sk-ant-api03-"


def test_a_signature_of_aws_is_told_from_its_scheme() -> None:
    signed = auth("Authorization", "AWS4-HMAC-SHA256 Credential=AKIALABONLY/20261129, Signature=0")
    assert signed["scheme"] == "AWS4-HMAC-SHA256"
    assert (signed["credential"]["kind"], signed["credential"]["prefix"]) == ("aws-sigv4", "AKIA")


def test_places_have_brackets_around_ipv6() -> None:
    assert place("172.30.0.20:4711") == ("172.30.0.20", 4711)
    assert place("[fd00:172:30::20]:4711") == ("fd00:172:30::20", 4711)


def test_behind_a_gateway_squids_log_has_every_tunnel() -> None:
    line = {"client": "172.30.0.30:4001", "method": "CONNECT", "decision": "TCP_TUNNEL:HIER_DIRECT"}
    truth = {
        "squid_log": [line | {"status": 200, "url": "api.anthropic.com:443"}],
        "client_calls": [],
        "agent_requests": [],
    }
    told = {
        "expect": {"findings": [], "undecided": ["H1", "H2", "H3", "H4a", "H4b"]},
        "report": {"verdict": "complete", "partial": False},
        "lab": {"gateway": "envoy"},
    }

    assert expected(told, truth)["tunnels"] == [
        {
            "client": "172.30.0.30",
            "authority": "api.anthropic.com:443",
            "connect_status": 200,
            "established": True,
        }
    ]
