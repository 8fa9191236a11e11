"""The lab's name server, asked in bytes; scapy builds the questions and reads the answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR

from lab.resolver import answer

NAMES = {"api.example": "203.0.113.10", "slow.example": None}


def ask(name: str, kind: str = "A") -> DNS | None:
    query = bytes(DNS(id=7, rd=1, qd=DNSQR(qname=name, qtype=kind)))
    response = answer(query, NAMES)
    return None if response is None else DNS(response)


@pytest.mark.parametrize("name", ["api.example", "API.Example"])
def test_a_known_name_has_its_address(name: str) -> None:
    response = ask(name)

    assert response is not None
    assert (response.id, response.qr, response.rcode) == (7, 1, 0)
    assert response.an[0].rdata == "203.0.113.10"
    assert response.qd[0].qname == f"{name}.".encode()


def test_a_known_name_has_no_ipv6_address_but_exists() -> None:
    response = ask("api.example", "AAAA")

    assert response is not None
    assert (response.rcode, response.ancount) == (0, 0)


@pytest.mark.parametrize(
    ("name", "kind"), [("github.com", "A"), ("20.0.30.172.in-addr.arpa", "PTR")]
)
def test_any_other_name_does_not_exist(name: str, kind: str) -> None:
    response = ask(name, kind)

    assert response is not None
    assert (response.rcode, response.ancount) == (3, 0)


def test_a_name_may_be_met_by_silence() -> None:
    assert ask("slow.example") is None


@given(st.binary(max_size=64))
def test_what_is_no_query_gets_an_answer_that_dns_can_read_or_none(query: bytes) -> None:
    response = answer(query, NAMES)

    assert response is None or response[:2] == query[:2]


def test_an_answer_gets_no_answer() -> None:
    assert answer(bytes(DNS(qr=1, qd=DNSQR(qname="api.example"))), NAMES) is None
