"""What an expectation can ask, one module a matter; `CHECKS` is all of it, in order.

A check says in words what it wants of an expectation (None: it is not asked), and holds that
against the report.  The words are the same where a policy is explained and where it is broken.
"""

from __future__ import annotations

from typing import Final

from inspector.policy.checks import calls, credentials, tunnels, ways
from inspector.policy.checks.demand import Demand

CHECKS: Final[tuple[Demand, ...]] = (
    *credentials.CHECKS,
    *calls.CHECKS,
    *tunnels.CHECKS,
    *ways.CHECKS,
)

__all__ = ["CHECKS", "Demand"]
