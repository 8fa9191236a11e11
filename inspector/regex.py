"""A regular expression that is compiled when it is first used.

Most of the 280 expressions of this program say how something rare is written, and to compile all of
them was a quarter of the instructions of the analysis of a small capture.  What every analysis
uses for each message stays `re.compile` (`protocols/http1_head.py`): it is a little faster to call.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, Final, cast

_NAMES: Final = tuple(each for each in dir(re.Pattern) if not each.startswith("_"))


class Uncompiled:
    """An expression whose methods are, from the first use on, those of the compiled one."""

    def __init__(self, source: str | bytes, flags: int | re.RegexFlag) -> None:
        self.pattern: Final = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # Python asks only for what is not in the instance: of a pattern's names, once.
        if name.startswith("_"):
            raise AttributeError(name)
        compiled: re.Pattern[Any] = re.compile(self.pattern, self._flags)
        vars(self).update({each: getattr(compiled, each) for each in _NAMES})
        return getattr(compiled, name)


def regex(source: AnyStr, flags: int | re.RegexFlag = 0) -> re.Pattern[AnyStr]:
    """Return what has the methods and attributes that `re.compile` would return.

    A mistake in the expression is raised at its first use: `tests/test_regex.py` compiles all.
    """
    return cast("re.Pattern[AnyStr]", Uncompiled(source, flags))
