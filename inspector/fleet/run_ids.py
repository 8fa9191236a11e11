"""`--run-id`: what a run is called, read from its path by a pattern.

`{repository}/{run}/*`: a name in braces takes one part of the path (`{repository}` two: owner and
name), `*` takes any one and is dropped, everything else stands for itself.  The path is that below
the argument, and may go on behind the pattern.  `{run}` is the run's name, all others are labels.
"""

from __future__ import annotations

import re
from typing import Final

from inspector.errors import ExitCode, InspectorError, plain_parts, quoted
from inspector.provenance import OF_GITHUB
from inspector.regex import regex

_NAME: Final = regex(r"\{([a-z][a-z0-9_]{0,39})\}|\*")
RUN: Final = "run"
_PART: Final = r"[^/]+"
_TWO_PARTS: Final = r"[^/]+/[^/]+"


class NotAPattern(InspectorError):
    """A pattern of `--run-id` that cannot be used."""

    exit_code = ExitCode.USAGE


class PathPattern:
    """A pattern; raises `NotAPattern`."""

    def __init__(self, text: str) -> None:
        parts: list[str] = []
        end = 0
        names: list[str] = []
        for found in _NAME.finditer(text):
            parts.append(re.escape(text[end : found.start()]))
            name = found[1]
            if name is None:
                parts.append(_PART)
            else:
                names.append(name)
                parts.append(f"(?P<{name}>{_TWO_PARTS if name == 'repository' else _PART})")
            end = found.end()
        parts.append(re.escape(text[end:]))
        if RUN not in names or len(set(names)) < len(names):
            raise NotAPattern(
                f"The pattern {quoted(text)} of --run-id lacks {{run}} or names one twice",
                "Write it as '{repository}/{run}' or 'runs/{run}/*'",
            )
        self._text = text
        self._pattern = re.compile("".join(parts) + r"(?=$|/)")

    def __repr__(self) -> str:
        return f"PathPattern({self._text!r})"

    def read(self, path: str) -> tuple[str | None, dict[str, str]]:
        """The run's name and its labels; None and none where the path does not fit."""
        found = self._pattern.match(path)
        if found is None:
            return None, {}
        told = {name: _granted(name, value) for name, value in found.groupdict().items()}
        return told.pop(RUN), told


def _granted(name: str, value: str) -> str:
    """A part of a path as it may be shown: by the grammar of a runner's label, or plain."""
    _, grammar = OF_GITHUB.get(name, (None, None))
    if grammar is not None and name != "repository" and grammar.fullmatch(value):
        return value
    return plain_parts(value)
