"""What becomes of a report besides being shown: files, a runner's summary, an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from inspector.cli.messages import say
from inspector.errors import InspectorError

if TYPE_CHECKING:
    from inspector.model.conclusions import Severity
    from inspector.model.report import Report
    from inspector.policy.judge import Judgement

_OUTPUT: Final = click.option(
    "-o",
    "--output",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also leave report.json, summary.md and capture.redacted.pcapng in this directory, "
    "for the invoking user alone.",
)
#: What a copy keeps beside what is granted; of each command that leaves one.
keep_ciphertext_option: Final = click.option(
    "--keep-ciphertext",
    is_flag=True,
    help="Keep what is encrypted in TLS in the copy. Whoever gets the session keys later reads "
    "real keys in it.",
)
_JUDGING: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option(
        "--fail-on",
        type=click.Choice(["error", "warning", "note"]),
        help="End with 3 when a finding of this level or above exists, with 5 when the capture "
        "cannot prove that there is none.",
    ),
    click.option(
        "--github/--no-github",
        default=None,
        help="Tell a runner of GitHub Actions: step summary, outputs, annotations. "
        "Default: if GITHUB_ACTIONS is true.",
    ),
    click.option(
        "--github-summary",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The step's summary file. Default: GITHUB_STEP_SUMMARY, which sudo drops.",
    ),
    click.option(
        "--github-output",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The step's output file. Default: GITHUB_OUTPUT, which sudo drops.",
    ),
)


def outcome_options(command: Any) -> Any:
    """Add -o, --keep-ciphertext, --fail-on and the options for a runner, in that order."""
    return _OUTPUT(keep_ciphertext_option(judging_options(command)))


def judging_options(command: Any) -> Any:
    """The same without -o, for a command with one of its own."""
    for option in reversed(_JUDGING):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What the options of `outcome_options` ask for."""

    directory: Path | None
    fail_on: Severity | None
    github: bool
    summary: Path | None
    output: Path | None
    keep_ciphertext: bool = False

    @classmethod
    def told(
        cls, told: Mapping[str, Any], environ: Mapping[str, str] = os.environ
    ) -> ReportOptions:
        """From the values of the options; what they leave open is in the environment."""
        wanted = told["github"]
        summary, output = told["github_summary"], told["github_output"]
        if wanted is None:
            wanted = environ.get("GITHUB_ACTIONS") == "true" or bool(summary or output)

        def named(path: Path | None, variable: str) -> Path | None:
            value = environ.get(variable)
            return path or (Path(value) if value else None)

        return cls(
            directory=told["directory"],
            fail_on=told["fail_on"],
            github=wanted,
            summary=named(summary, "GITHUB_STEP_SUMMARY"),
            output=named(output, "GITHUB_OUTPUT"),
            keep_ciphertext=told.get("keep_ciphertext", False),
        )

    def leave_files(
        self,
        report: Report,
        captures: Sequence[str] = (),
        auth_headers: Sequence[str] = (),
        kept_headers: Sequence[str] = (),
    ) -> InspectorError | None:
        """Write the directory; an error is given back, as the report is still to be shown.

        `captures` are what the report was made from, to be left without credentials.
        """
        if self.directory is None:
            return None
        from inspector.artifacts import redacted, write_artifacts
        from inspector.pcap.pipes import is_read_once

        for name in filter(is_read_once, captures):
            what = "standard input" if name == "-" else name
            say(f"{what} is read once: no redacted capture is left")
        try:
            write_artifacts(
                report,
                self.directory,
                captures=redacted(
                    captures, auth_headers, kept_headers, keep_ciphertext=self.keep_ciphertext
                ),
            ).complain()
        except InspectorError as error:
            return error
        return None

    def tell_runner(self, report: Report, *, commands_to_stdout: bool = True) -> None:
        """Summary, outputs and annotations, if a runner is there.  Never fails the run.

        Where standard output holds data, the annotations go to standard error;
        the runner reads both.
        """
        if not self.github:
            return
        from inspector.report import runner as github
        from inspector.report.page import markdown

        def summary(already: int) -> str:
            free = min(markdown.LIMIT, github.SUMMARY_LIMIT - already - 1)
            return "\n" + markdown.render(report, limit=free) if free > 0 else ""

        def outputs(_: int) -> str:
            place = "" if self.directory is None else str(self.directory.absolute())
            return github.outputs(report, place)

        _append("GITHUB_STEP_SUMMARY", "--github-summary", self.summary, summary)
        _append("GITHUB_OUTPUT", "--github-output", self.output, outputs)
        out = sys.stdout if commands_to_stdout else sys.stderr
        for line in github.annotation_lines(report):
            out.write(line.encode("ascii", "backslashreplace").decode() + "\n")
        out.flush()

    @property
    def has_other_use(self) -> bool:
        """Whether a run is of use without what it shows: a verdict, files, a runner's summary."""
        return self.fail_on is not None or self.directory is not None or self.github

    def judged(self, report: Report) -> int:
        """The exit code that `--fail-on` asks for, said on stderr when it is not 0."""
        if self.fail_on is None:
            return 0
        from datetime import date

        from inspector.policy.judge import judge
        from inspector.policy.model import Policy

        judgement = judge(report, Policy("--fail-on", self.fail_on), date.min)
        if judgement.exit_code:
            say(_told(judgement))
        return judgement.exit_code


def _told(judgement: Judgement) -> str:
    if judgement.findings:
        codes = ", ".join(finding.code for finding in judgement.findings)
        return f"Findings of level {judgement.fail_on} or above: {codes}."
    doubts = "; ".join(doubt.found for doubt in judgement.doubts)
    return f"Cannot prove that there is no finding of level {judgement.fail_on} or above: {doubts}."


def _append(variable: str, option: str, path: Path | None, text: Callable[[int], str]) -> None:
    if path is None:
        say(
            f"{variable} is not set, so nothing is written there. sudo drops it: give "
            f'{option} "${variable}", or call sudo --preserve-env={variable}.'
        )
        return
    from inspector.artifacts import append

    try:
        append(path, text(path.stat().st_size))
    except OSError as error:
        say(f"{variable}: {path} cannot be written: {error.strerror}. The report is not affected.")
