"""Which calls a tunnel may have been opened for, when no chain says so reliably."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from inspector.model.conclusions import RELIABLE, Chain
from inspector.model.network import Tunnel
from inspector.model.report import Report

#: A tunnel may seem to be opened so much before the request was whole (ns).
_JITTER: Final = 1_000_000
#: The end of a wait that the capture does not have.
_NEVER: Final = 1 << 63


class WaitingCalls:
    """The calls whose tunnels are not known reliably, by when they waited for one."""

    def __init__(self, report: Report) -> None:
        exchanges = {chain.agent_exchange: None for chain in report.chains if _is_open(chain)}
        self._begun: list[int] = []
        self._ended: list[int] = []
        for exchange in report.exchanges if exchanges else ():
            request, response = exchange.request, exchange.response
            if exchange.id in exchanges and request is not None:
                begun = request.started_at if request.ended_at is None else request.ended_at
                self._begun.append(begun - _JITTER)
                self._ended.append(_NEVER if response is None else response.started_at + _JITTER)
        self._begun.sort()
        self._ended.sort()

    def at(self, tunnel: Tunnel) -> int:
        """How many of them waited when the tunnel was opened."""
        opened = tunnel.opened_at
        return bisect_right(self._begun, opened) - bisect_left(self._ended, opened)


def _is_open(chain: Chain) -> bool:
    """Whether a chain leaves open which tunnel carried its call's answer."""
    if chain.confidence >= RELIABLE:
        return False
    return chain.tunnel is not None or chain.answered_by in ("upstream", "forward-proxy", "unknown")
