"""What becomes of a report besides being shown: files, a runner's summary, an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click

from inspector.cli.choosing import choosing_options, chosen
from inspector.cli.labels import label_option
from inspector.cli.messages import say
from inspector.cli.printing import output_option
from inspector.cli.sudo import dropped_by_sudo, remedy
from inspector.errors import InspectorError
from inspector.fact import Fact
from inspector.report.files import CAPTURE, NAMES

if TYPE_CHECKING:
    from inspector.model.conclusions import Severity
    from inspector.model.report import Report
    from inspector.policy.judge import Judgement
    from inspector.redaction import Copies

#: The files of a directory of results, by which they are chosen.
LEFT: Final = (*NAMES, CAPTURE)

_OUTPUT: Final = output_option(
    f"Also leave {', '.join(LEFT[:-1])} and {LEFT[-1]} in this directory, "
    "for the invoking user alone."
)
#: What a copy keeps beside what is granted; of each command that leaves one.
keep_ciphertext_option: Final = click.option(
    "--keep-ciphertext",
    is_flag=True,
    help="Keep what is encrypted in TLS in the copy. Whoever gets the session keys later reads "
    "real keys in it.",
)
_FAIL_ON: Final = click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note"]),
    help="End with 3 when a finding of this level or above exists, with 5 when the capture "
    "cannot prove that there is none.",
)
_GITHUB: Final[tuple[Callable[[Any], Any], ...]] = (
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
    """Add -o, --only, --without, --keep-ciphertext, --label, --fail-on and those for a runner."""
    command = keep_ciphertext_option(label_option(judging_options(command)))
    return _OUTPUT(choosing_options(LEFT)(command))


def judging_options(command: Any) -> Any:
    """The same without -o, for a command with one of its own."""
    return _FAIL_ON(github_options(command))


def github_options(command: Any) -> Any:
    """The options for a runner alone."""
    for option in reversed(_GITHUB):
        command = option(command)
    return command


class Runner(Fact):
    """A runner of GitHub Actions, if one is there to be told: the files that it reads."""

    is_there: bool
    summary: Path | None
    output: Path | None

    @classmethod
    def told(cls, told: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Runner:
        """From the values of `github_options`; what they leave open is in the environment."""
        wanted = told["github"]
        summary, output = told["github_summary"], told["github_output"]
        if wanted is None:
            wanted = environ.get("GITHUB_ACTIONS") == "true" or bool(summary or output)
            if not wanted and dropped_by_sudo(environ):
                say(_dropped())

        def named(path: Path | None, variable: str) -> Path | None:
            value = environ.get(variable)
            return path or (Path(value) if value else None)

        return cls(
            wanted,
            named(summary, "GITHUB_STEP_SUMMARY"),
            named(output, "GITHUB_OUTPUT"),
        )

    def tell(
        self,
        summary: Callable[[int], str],
        outputs: Callable[[int], str],
        annotations: Sequence[str],
        *,
        commands_to_stdout: bool,
    ) -> None:
        """Summary, outputs and annotations.  Never fails the run.

        The first two are given how much the file holds already.  Where standard output
        holds data, the annotations go to standard error; the runner reads both.
        """
        _append("GITHUB_STEP_SUMMARY", "--github-summary", self.summary, summary)
        _append("GITHUB_OUTPUT", "--github-output", self.output, outputs)
        out = sys.stdout if commands_to_stdout else sys.stderr
        for line in annotations:
            out.write(line.encode("ascii", "backslashreplace").decode() + "\n")
        out.flush()


class ReportOptions(Fact):
    """What the options of `outcome_options` ask for."""

    directory: Path | None
    fail_on: Severity | None
    runner: Runner
    keep_ciphertext: bool = False
    names: tuple[str, ...] = LEFT

    @classmethod
    def told(
        cls, told: Mapping[str, Any], environ: Mapping[str, str] = os.environ
    ) -> ReportOptions:
        """From the values of the options; what they leave open is in the environment."""
        return cls(
            told["directory"],
            told["fail_on"],
            Runner.told(told, environ),
            told.get("keep_ciphertext", False),
            chosen(told, LEFT),
        )

    def check_directory(self) -> None:
        """Raise `ArtifactError` where no results can be left, before anything is read for them."""
        if self.directory is not None:
            from inspector.artifacts import check_directory

            check_directory(self.directory)

    def leave_files(
        self,
        report: Report,
        copies: Copies | None = None,
    ) -> InspectorError | None:
        """Write the directory; an error is given back, as the report is still to be shown.

        `copies` were made of the captures while they were read for the report.
        """
        if self.directory is None:
            return None
        from inspector.artifacts import NO_CAPTURES, redacted, write_artifacts

        captures = NO_CAPTURES if copies is None else redacted(copies)
        try:
            left = write_artifacts(report, self.directory, names=self.names, captures=captures)
            left.complain()
        except InspectorError as error:
            return error
        for number, audit in enumerate(() if copies is None else copies.audits, 1):
            of = f"copy {number}: " if copies is not None and copies.count > 1 else ""
            for line in audit.told:
                say(f"{of}{line}")
        return None

    def copies(self, auth_headers: Sequence[str], kept_headers: Sequence[str]) -> Copies | None:
        """What makes the copies of captures, if they are to be left anywhere."""
        directory = self.directory
        if directory is None or CAPTURE not in self.names:
            return None
        from inspector.artifacts import draft
        from inspector.redaction import Copies

        def new_file() -> BinaryIO:
            try:
                return draft(directory)
            except InspectorError as error:  # told when the files are to be left there
                raise OSError(errno.ENOTDIR, error.culprit) from error

        return Copies(
            new_file,
            auth_headers=auth_headers,
            kept_headers=kept_headers,
            keep_ciphertext=self.keep_ciphertext,
        )

    def tell_runner(self, report: Report, *, commands_to_stdout: bool = True) -> None:
        """Summary, outputs and annotations, if a runner is there.  Never fails the run."""
        if not self.runner.is_there:
            return
        from inspector.report import runner as github
        from inspector.report.page import markdown

        def summary(already: int) -> str:
            free = min(markdown.LIMIT, github.SUMMARY_LIMIT - already - 1)
            return "\n" + markdown.render(report, limit=free) if free > 0 else ""

        def outputs(_: int) -> str:
            place = "" if self.directory is None else str(self.directory.absolute())
            return github.outputs(report, place)

        self.runner.tell(
            summary,
            outputs,
            github.annotation_lines(report),
            commands_to_stdout=commands_to_stdout,
        )

    @property
    def has_other_use(self) -> bool:
        """Whether a run is of use without what it shows: a verdict, files, a runner's summary."""
        return self.fail_on is not None or self.directory is not None or self.runner.is_there

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


def _dropped() -> str:
    context = click.get_current_context(silent=True)
    return (
        "sudo dropped the runner's GITHUB_* variables, so this step gets no summary, outputs or "
        f"annotations. To have them: {remedy((context and context.info_name) or 'analyze')}"
    )


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
