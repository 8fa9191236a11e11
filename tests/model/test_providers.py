"""The table of providers is the only one: what is in a row is known to every room that asks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inspector.credentials.kinds import classify
from inspector.credentials.prefilter import is_suspect, may_be_shaped
from inspector.exchanges.topology import Roles, provider_of
from inspector.model.providers import (
    DEFAULT_PORTS,
    GRAMMARS,
    KNOWN,
    PROVIDERS,
    UNKNOWN,
    ProviderFacts,
)
from inspector.secret import Secret
from inspector.secrets.constants import PREFIXES
from inspector.secrets.positions import CREDENTIAL_HEADERS

PACKAGE = Path(__file__).parents[2] / "inspector"

of_each = pytest.mark.parametrize("row", PROVIDERS, ids=lambda row: row.name)


@of_each
def test_each_host_of_a_row_leads_to_its_provider(row: ProviderFacts) -> None:
    assert row.hosts
    for pattern in row.hosts:
        assert provider_of(pattern.replace("*", "lab")) == row.name
    for network in row.networks:
        assert provider_of(network.partition("/")[0]) == row.name


@of_each
def test_the_port_of_a_row_stands_for_its_provider_at_the_api_proxy(row: ProviderFacts) -> None:
    if row.port is not None:
        assert Roles().provider("172.30.0.30", row.port) == row.name
        assert DEFAULT_PORTS[row.port] == row.name


@of_each
def test_the_keys_of_a_row_are_known_by_their_prefix_and_found_in_texts(
    row: ProviderFacts,
) -> None:
    for kind, prefix in row.key_prefixes:
        key = prefix + 40 * "Zz9"
        assert classify(Secret(key.encode())) == (kind, prefix)
        assert may_be_shaped(key)
        assert is_suspect(key, key.lower())


@of_each
def test_the_header_of_a_row_is_a_position_of_credentials(row: ProviderFacts) -> None:
    assert row.auth_header is not None
    assert row.auth_header.lower().encode() in CREDENTIAL_HEADERS


@of_each
def test_the_grammars_of_a_row_are_in_the_table_of_grammars(row: ProviderFacts) -> None:
    assert set(row.grammars) <= {grammar.name for grammar in GRAMMARS}


def test_names_and_ports_are_given_once() -> None:
    ports = [row.port for row in PROVIDERS if row.port is not None]
    assert len(set(KNOWN)) == len(PROVIDERS) + 1
    assert KNOWN[-1] == UNKNOWN
    assert len(set(ports)) == len(ports)


def test_a_longer_prefix_is_looked_for_before_one_that_it_begins_with() -> None:
    order = [prefix for _, prefix in PREFIXES]
    assert [
        (first, later)
        for index, first in enumerate(order)
        for later in order[index + 1 :]
        if later.startswith(first)
    ] == []


def test_no_other_module_has_a_list_of_hosts_ports_networks_or_key_prefixes() -> None:
    prefixes = [prefix for row in PROVIDERS for _, prefix in row.key_prefixes]
    words = [
        *(host for row in PROVIDERS for host in row.hosts),
        *(network for row in PROVIDERS for network in row.networks),
        *(prefix for prefix in prefixes if prefix.startswith("sk-") and prefix != "sk-"),
    ]
    listed = re.compile("|".join(f'"{re.escape(word)}"' for word in words) + r"|\b1000[0-4]:")
    assert [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if listed.search(path.read_text(encoding="utf-8"))
    ] == ["model/providers.py"]
