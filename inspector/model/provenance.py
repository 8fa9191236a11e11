"""Which run a report is of: who wrote it, what it was asked, and what tells it from others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inspector.fact import Fact
from inspector.model.digests import KeyId
from inspector.model.topology import Scope

#: The package's name on the index; `inspector` is a stranger's there.
DISTRIBUTION: Final = "agent-traffic-inspector"
#: The same as in pyproject.toml, which a test compares; to look it up in the installation costs
#: more than to read a small capture.
VERSION: Final = "0.1.0"


class Tool(Fact):
    """The program that wrote the report."""

    name: str
    """`inspector`."""
    version: str
    """Its version."""
    build: str | None = None
    """What tells builds of one version apart; null where nothing does.

    `wheel-` and 12 hex digits of SHA-256 over what was installed, or `git-` and the first 12 of the
    commit of the checkout that it runs from (changes that were not committed do not count).
    """
    core: str | None = None
    """Which engine read the packets: `native`, the compiled one, or `pure`; null: it is not known.

    Both tell the same; `native` is faster.
    """


def this_tool() -> Tool:
    """This program."""
    return Tool("inspector", VERSION)


class UsedOptions(Fact):
    """What a user said of the network; null or empty for what was left to its default."""

    scope: Scope | None
    """Which connections were to be looked at."""
    subnet: str | None
    """The network, in CIDR notation; the first, if several were named."""
    agents: tuple[str, ...]
    """Addresses of agents, in the order given."""
    api_proxies: tuple[str, ...]
    """Addresses of API proxies, in the order given."""
    forward_proxies: tuple[str, ...]
    """Addresses of forward proxies, in the order given."""
    topology_file: str | None
    """The name of the topology file, without its directory; of it only words are shown."""
    auth_headers: tuple[str, ...]
    """Further headers that carry a credential, in the order given."""
    kept_headers: tuple[str, ...]
    """Headers whose values were to be shown, in the order given."""
    decrypts: bool = False
    """Whether keys of TLS sessions were to be used."""
    subnets: tuple[str, ...] = ()
    """All networks that were named, in the order given."""
    preset: str | None = None
    """The preset of a network that was named."""


class Provenance(Fact):
    """Which run this is.  Two reports of one capture may differ by any of it."""

    fingerprint_key: KeyId
    """The id of the key under which all fingerprints were made: equal ids, equal keys.

    12 hex digits of HMAC-SHA-256 of a fixed text under the key.
    """
    labels: Mapping[str, str]
    """What the run is called elsewhere, by name: `--label NAME=VALUE`, and of GitHub Actions

    `repository`, `run_id`, `run_attempt` and `sha`.  Of a value that is none of these only words
    and numbers are shown.
    """
    options: UsedOptions
    """What was said of the network."""
