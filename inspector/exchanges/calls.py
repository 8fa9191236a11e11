"""What a call is: the one definition that the page, policies, chains and diagnosis share.

A **call** is a request of a client to an API, at the API proxy or wherever else the client sent
it.  None is the second leg of one, what a proxy asks for itself, and a look at the pages that the
API proxy serves itself (`/health`, `/reflect`): those say nothing of an API.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

from inspector.exchanges.services import asks_proxy_itself
from inspector.model.http import Exchange, Hop
from inspector.model.ids import ExchangeId
from inspector.model.topology import Topology

#: Between whom no client asks.
_BETWEEN_PROXIES: Final[frozenset[Hop]] = frozenset(
    {"api-proxy-to-forward-proxy", "forward-proxy-to-api-proxy"}
)


def is_upstream(exchange: Exchange, api_proxies: Container[str]) -> bool:
    """Whether the API proxy asks an API, as read inside its tunnel: for a call, or by itself."""
    return exchange.decrypted and exchange.client.ip in api_proxies


def is_clients_own(exchange: Exchange, api_proxies: Container[str]) -> bool:
    """Whether an exchange is a client's own, not the second leg of one nor a proxy's."""
    if exchange.relays is not None or is_upstream(exchange, api_proxies):
        return False
    return exchange.hop not in _BETWEEN_PROXIES


def is_look_at_proxy(exchange: Exchange) -> bool:
    """Whether an exchange at the API proxy asks for a page that this serves itself."""
    return exchange.request is not None and asks_proxy_itself(exchange.request)


def is_call(exchange: Exchange, *, at_api_proxy: bool) -> bool:
    """Whether an exchange of a client's own is a call; `at_api_proxy`: it came there somehow."""
    return not (at_api_proxy and is_look_at_proxy(exchange))


def relayed_to(exchanges: Iterable[Exchange], topology: Topology) -> frozenset[ExchangeId]:
    """The first legs of what came to the API proxy by way of another host."""
    proxies = frozenset(topology.api_proxy)
    return frozenset(
        leg.relays for leg in exchanges if leg.relays is not None and leg.server.ip in proxies
    )
