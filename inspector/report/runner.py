"""What a runner of GitHub Actions is told: annotations, and the step's outputs.

A line that begins with `::` is a command to the runner, so captured text gets
into one only escaped, and never begins a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from secrets import token_hex
from typing import Final

from inspector.diagnosis.outcome import SUCCEEDED, outcome_of
from inspector.model.conclusions import SEVERITIES, Severity
from inspector.model.report import Report
from inspector.report.page import words
from inspector.report.page.escape import clipped, defused
from inspector.report.page.headline import nothing_captured
from inspector.report.page.verdicts import finding_rows
from inspector.report.page.view import View

#: A runner shows ten annotations of a level for each step.
ANNOTATIONS: Final = 10
#: The runner keeps 4,096 characters of a message; escaping may triple one.
_MESSAGE: Final = 1200

#: Bytes of a step's summary, beyond which the runner drops all of it.
SUMMARY_LIMIT: Final = 1 << 20

_COMMANDS: Final[Mapping[Severity, str]] = {
    "error": "error",
    "warning": "warning",
    "note": "notice",
}
#: How the runner's toolkit escapes a command's message, and its properties.
_IN_MESSAGE: Final = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_IN_PROPERTY: Final = (*_IN_MESSAGE, (":", "%3A"), (",", "%2C"))


def annotation_lines(report: Report) -> list[str]:
    """At most `ANNOTATIONS` workflow commands, the cause first, then the worst findings."""
    cause = report.root_cause
    lines = []
    if nothing := nothing_captured(report):
        lines.append(command("error", "nothing-captured", nothing))
    if cause is not None:
        told = f"explains {cause.explains} of {words.count(cause.of, 'failed call')}"
        advice = f" Next: {_sentence(cause.advice)}" if cause.advice else ""
        lines.append(command("error", cause.code, f"{_sentence(cause.sentence, told)}{advice}"))
    for row in finding_rows(View(report)):
        where = f" ({row.where})" if row.where else ""
        message = f"{row.title}{where}. Next: {_sentence(row.advice)}"
        lines.append(command(_COMMANDS[row.severity], f"{row.code} x{row.count}", message))
    return lines[:ANNOTATIONS]


def command(name: str, title: str, message: str) -> str:
    """One annotation as the runner reads it; nothing in `title` or `message` can end it early."""
    title = _replaced(defused(clipped(f"inspector: {title}", words.CELL)), _IN_PROPERTY)
    message = _replaced(defused(clipped(message, _MESSAGE)), _IN_MESSAGE)
    return f"::{name} title={title}::{message}"


def outputs(report: Report, directory: str) -> str:
    """The text for GITHUB_OUTPUT.

    `root-cause` is a code or empty. `errors`, `warnings` and `notes` count the findings of each
    level, the cause among them; `findings` those of level warning or above. `failed-calls` counts
    calls as the page does. `capture` is the capture's verdict: complete, incomplete or unknown.
    `report-dir` is empty without -o.
    """
    levels = Counter(finding.severity for finding in report.findings)
    cause = report.root_cause
    values = {
        "root-cause": "" if cause is None else cause.code,
        "findings": str(levels["error"] + levels["warning"]),
        **{f"{level}s": str(levels[level]) for level in SEVERITIES},
        "failed-calls": str(_failed_calls(report)),
        "capture": report.completeness.verdict,
        "report-dir": directory,
    }
    return output_lines(values)


def _failed_calls(report: Report) -> int:
    """Calls that failed and that no later call made good."""
    if report.root_cause is not None:
        return report.root_cause.of
    return sum(
        call.recovered_by is None and outcome_of(call) not in SUCCEEDED
        for call in View(report).page.calls
    )


def _sentence(text: str, remark: str = "") -> str:
    """The text with its full stop; a remark in brackets comes before it."""
    text = text.removesuffix(".")
    return f"{text} ({remark})." if remark else f"{text}."


def output_lines(values: Mapping[str, str]) -> str:
    """Names and values as the runner reads them from a step's output file."""
    return "".join(_output(name, value) for name, value in values.items())


def _output(name: str, value: str) -> str:
    if "\n" not in value and "\r" not in value:
        return f"{name}={value}\n"
    end = token_hex(16)  # so that no value can hold it
    return f"{name}<<{end}\n{value}\n{end}\n"


def _replaced(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for character, escape in pairs:
        text = text.replace(character, escape)
    return text
