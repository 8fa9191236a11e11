"""The findings catalogue, derived from the rules: what each finding means and what to do.

`inspector explain`, docs/findings.md and the order of a report's findings come from here.  The
entries themselves stand in the modules of `rules/`, each beside the rules that make the finding.
"""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import rules
from inspector.diagnosis.rule import Code

#: Those that can be a root cause, from the origin of a call outward and back.
CAUSES: Final[tuple[Code, ...]] = tuple(rules.ABOUT[code] for code in rules.ORDER)

#: Everything else worth reporting; none of it ever heads a report.
OTHERS: Final[tuple[Code, ...]] = tuple(rules.ABOUT[code] for code in rules.OTHERS)

#: All of them by name, in the order in which reports list findings of one severity.
CODES: Final[dict[str, Code]] = rules.ABOUT

#: How near a cause lies to the origin of a call; 0 is nearest.
ORIGIN: Final[dict[str, int]] = {code: place for place, code in enumerate(rules.ORDER)}
