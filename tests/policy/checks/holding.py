"""One expectation held against packets made by hand."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from inspector.errors import ExitCode
from inspector.model.report import Report
from inspector.policy.hearing import Remark
from inspector.policy.judge import Judgement, judge
from inspector.policy.model import Expect, Policy
from tests.exchanges.network import Network

TODAY: Final = date(2026, 8, 3)
KEPT: Final = ExitCode.DONE
BROKEN: Final = ExitCode.BROKEN
NOT_PROVEN: Final = ExitCode.NOT_PROVEN


def held(net: Network | Report, **asked: Any) -> Judgement:
    """The judgement of this one expectation, whatever findings there are."""
    report = net if isinstance(net, Report) else net.report()
    return judge(report, Policy("p", None, (Expect(**asked),)), TODAY)


def found(net: Network | Report, **asked: Any) -> list[str]:
    """What breaks it."""
    return [remark.found for remark in held(net, **asked).broken]


def only(judgement: Judgement) -> Remark:
    """The one remark that breaks it."""
    (remark,) = judgement.broken
    return remark
