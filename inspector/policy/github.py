"""What a runner of GitHub Actions is told of judgements: annotations, summary, outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from inspector.errors import ExitCode
from inspector.model.conclusions import Severity
from inspector.policy.judge import Judgement
from inspector.policy.page import NOTHING, VERDICTS
from inspector.policy.result import worst_of
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.markdown import escaped
from inspector.report.runner import ANNOTATIONS, SUMMARY_LIMIT, command, output_lines

#: A judgement, by the name under which its run was given.
Judged = Sequence[tuple[str, Judgement]]

_COMMANDS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "note": "notice"}


def annotation_lines(judged: Judged) -> list[str]:
    """At most `ANNOTATIONS` workflow commands, what is broken first."""
    lines = [line for _, judgement in judged for line in _annotations(judgement)]
    order = {"error": 0, "warning": 1, "notice": 2}
    lines.sort(key=lambda line: order[line.split(" ", 1)[0].strip(":")])
    return lines[:ANNOTATIONS]


def _annotations(judgement: Judgement) -> Iterator[str]:
    for level, title, said in _rows(judgement):
        yield command(_COMMANDS[level], title, said)


def _rows(judgement: Judgement) -> Iterator[tuple[Severity, str, str]]:
    """Level, what it is of, and a sentence, for everything that a judgement says."""
    for finding in judgement.findings:
        yield (
            "error",
            f"{finding.code} x{finding.count}",
            f"{finding.title}. Next: {finding.advice}",
        )
    for remark in (*judgement.broken, *judgement.remarked):
        of = remark.name or f"expectation of {remark.provider}"
        where = f" ({words.some(remark.where)})" if remark.where else ""
        said = f"expected {remark.expected}; found {remark.found}{where}"
        yield remark.level, of, said
    for remark in judgement.doubts:
        of = remark.name or f"expectation of {remark.provider}"
        yield "warning", f"{of}: not proven", f"expected {remark.expected}; {remark.found}"


def summary(judged: Judged, already: int = 0) -> str:
    """A list in Markdown; nothing where the file has no room (`already` bytes) left for it."""
    lines = ["", "### inspector check", ""]
    for name, judgement in judged:
        verdict = VERDICTS[judgement.verdict][0]
        nothing = f", {NOTHING}" if judgement.about_nothing else ""
        lines.append(f"**{verdict}** {_text(name)}: policy {_text(judgement.policy)}{nothing}")
        lines.append("")
        lines += (f"- {level}: {_text(of)}: {_text(said)}" for level, of, said in _rows(judgement))
        lines.append("")
    told = "\n".join(lines)
    return told if len(told.encode()) < SUMMARY_LIMIT - already else ""


def outputs(judged: Judged) -> str:
    """The text for GITHUB_OUTPUT: `verdict`, of several runs the worst, and `exit-code`."""
    code = worst_of(judgement.verdict for _, judgement in judged)
    leaves: ExitCode = worst_of(judgement.exit_code for _, judgement in judged)
    return output_lines({"verdict": VERDICTS[code][0].lower(), "exit-code": str(int(leaves))})


def _text(text: str) -> str:
    """A text that says nothing to Markdown, on one line."""
    return escaped(clipped(text, words.MESSAGE))
