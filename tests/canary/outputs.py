"""Everything that the program can be made to say about a capture: one table.

A row is a command line.  What comes of it are both streams and every file it
leaves, each with its form, so that a test can hold all of them to one rule.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias

import pytest
from click.testing import CliRunner

from inspector.capture_files import inspect_captures
from inspector.cli.main import main
from inspector.live.lines import Lines
from inspector.model.network import Process
from inspector.model.report import Report
from inspector.options import Options
from inspector.policy import page as telling
from inspector.policy.judge import judge
from inspector.policy.junit import write_junit
from inspector.policy.reading import built_in
from inspector.policy.result import plain
from inspector.report import compare, compare_page
from inspector.report import runner as github
from inspector.report.detail import page as detail_page
from inspector.report.detail.gather import Details
from inspector.report.files import FILES
from inspector.report.formats import compared
from inspector.report.formats.json import dumps
from inspector.report.page import terminal
from tests.canary import wire
from tests.canary.planted import TOLD
from tests.canary.plants import CUSTOM_HEADER
from tests.canary.wire import Lost, Talk

#: `text` is for a terminal, `json` may be shown on one, `outputs` is GITHUB_OUTPUT.
Form: TypeAlias = Literal["text", "colored", "json", "markdown", "outputs", "xml", "html"]

OPTIONS: Final = Options(scope="all", auth_headers=(CUSTOM_HEADER,))
_FORMS: Final[dict[str, Form]] = {
    ".json": "json", ".jsonl": "json", ".har": "json", ".xml": "xml", ".html": "html",
    ".md": "markdown", ".output": "outputs",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """One stream or file; `annotates` if workflow commands of ours may stand in it."""

    name: str
    form: Form
    data: bytes
    annotates: bool = False


@dataclass(frozen=True)
class Output:
    """A command line with the names of `Place.names` in braces, and how it ends.

    `options` are given besides: those of the network, where a command has them.
    """

    command: str
    form: Form = "text"
    code: int = 0
    options: tuple[str, ...] = TOLD


@dataclass(frozen=True)
class Place:
    """The files that the command lines are about.

    `capture` lies in a directory with its logs, `other` is another one; `left`
    is empty at first, `policy` and the reports are files.
    """

    capture: Path
    other: Path
    report: Path
    other_report: Path
    policy: Path
    broken_policy: Path
    squid_log: Path
    proxy_log: Path
    left: Path

    @property
    def names(self) -> dict[str, str]:
        """What may stand in braces."""
        paths = {name: str(getattr(self, name)) for name in self.__dataclass_fields__}
        paths["directory"] = str(self.capture.parent)
        paths["redacted"] = str(self.left.parent / "redacted.pcapng")
        paths["summary"] = str(self.left / "step.md")
        paths["output"] = str(self.left / "step.output")
        return paths


_RUNNER: Final = "--github --github-summary {summary} --github-output {output}"
_REDACTING: Final = ("--auth-header", CUSTOM_HEADER, "--no-progress")
_LOGS: Final = "--squid-log {squid_log} --proxy-log {proxy_log}"

OUTPUTS: Final[dict[str, Output]] = {
    "page": Output("analyze {capture}"),
    "page in detail": Output("analyze -v {capture}"),
    "page with logs of the program": Output("analyze -vv {capture}"),
    "JSON": Output("analyze --format json {capture}", "json"),
    "JSON with logs of the program": Output("analyze -vv --format json {capture}", "json"),
    "page of another network": Output("analyze -v --preset docker-sandbox {capture}"),
    "page of a gateway": Output("analyze -vv --preset litellm {other}"),
    "page of some calls": Output("analyze -v --since 0.001s --only-client lab {capture}"),
    "JSON Lines of some calls": Output(
        "analyze --format jsonl --status 2xx --limit 3 {directory}", "json"
    ),
    "list of calls": Output("show --failed {other}"),
    "comparison of some calls": Output("compare -e e1 {capture} {other}"),
    "selection that is none": Output("analyze -vv --status {squid_log} {capture}", code=2),
    "page of a report": Output("analyze -v {report}"),
    "JSON Lines of a report": Output("analyze --format jsonl {other_report}", "json"),
    "JSON Lines": Output("analyze --format jsonl {capture}", "json"),
    "several captures": Output("analyze -v {capture} {other}"),
    "directory left": Output("analyze -o {left} {capture}"),
    "runner": Output(f"analyze -o {{left}} {_RUNNER} {{capture}}"),
    "runner and the other": Output(f"analyze -o {{left}} {_RUNNER} {{other}}"),
    "runner and JSON": Output(f"analyze --format json {_RUNNER} {{capture}}", "json"),
    "runner and detail": Output(f"analyze -vv {_RUNNER} {{directory}}"),
    "--fail-on": Output("analyze --fail-on note {capture}", code=3),
    "logs named, page": Output(f"analyze -v {_LOGS} {{capture}}"),
    "logs named, JSON": Output(f"analyze --format json {_LOGS} {{capture}}", "json"),
    "logs beside, page": Output("analyze -v {directory}"),
    "logs beside, JSON": Output("analyze --format json {directory}", "json"),
    "logs beside, JSON Lines": Output("analyze -vv --format jsonl {directory}", "json"),
    "logs beside, directory left": Output(f"analyze -o {{left}} {_RUNNER} {{directory}}"),
    "log that is not there": Output("analyze -vv --squid-log {left}/absent {capture}", code=2),
    "judgement": Output("check -o {left} {directory}", code=3),
    "judgement as JSON": Output("check --format json {directory}", "json", code=3),
    "judgement of the other": Output("check --policy {policy} {other}", code=3),
    "judgement of a report": Output("check {report}", code=3),
    "judgement by a file": Output("check -o {left} --policy {policy} {capture}", code=3),
    "judgement by a file as JSON": Output(
        "check --format json --policy {policy} {capture}", "json", code=3
    ),
    "policy that is none": Output("check -vv --policy {broken_policy} {capture}", code=2),
    "comparison": Output("compare {capture} {other}"),
    "comparison as JSON": Output("compare --format json {capture} {other}", "json"),
    "comparison the other way": Output("compare -vv {other} {directory}"),
    "comparison of reports": Output("compare {report} {other_report}"),
    "comparison of reports as JSON": Output(
        "compare --format json {report} {other_report}", "json"
    ),
    "comparison of clients": Output("compare {capture} --client lab --client 1.0"),
    "comparison of clients as JSON": Output(
        "compare --format json {capture} --client lab --client 1.0", "json"
    ),
    "comparison with no such client": Output("compare {capture} {other} --client zzz", code=2),
    "one exchange": Output("show -v {capture} e1"),
    "one exchange of a report": Output("show {report} e2"),
    "one exchange as JSON": Output("show --format json {other} e1", "json"),
    "one connection": Output("show {directory} c1"),
    "one tunnel": Output("show -v {capture} t1"),
    "its packets alone": Output("show {capture} e1 --extract {redacted} --force"),
    "an id that is none": Output("show -vv {capture} zzz", code=2),
    "no capture": Output("analyze -vv {squid_log}", code=4),
    "no capture, for a runner": Output(f"analyze {_RUNNER} -o {{left}} {{squid_log}}", code=4),
    "no capture to be judged": Output("check -vv {proxy_log}", code=4),
    "no report": Output("compare -vv {left}/absent.json {report}", code=2),
    # What stands in the file that it writes is the matter of tests/redaction.
    "what was redacted": Output("redact -vv {capture} {redacted} --force", options=_REDACTING),
    "nothing to redact": Output(
        "redact -vv {squid_log} {redacted} --force", code=4, options=_REDACTING
    ),
}


#: A place at a time costs a second: `make test` tries every third, `make test-real` all of them.
THIRDS: Final = pytest.mark.parametrize(
    "third", [0, *(pytest.param(rest, marks=pytest.mark.long) for rest in (1, 2))]
)


def said(output: Output, place: Place, *, unsafe: bool = False) -> Iterator[Said]:
    """Run a row, in an empty `place.left` with the two files of a runner.

    `unsafe`: the capture may be one of which a redacted copy is refused.  What a
    redacted copy holds is the matter of tests/redaction.
    """
    for name in ("step.md", "step.output"):
        (place.left / name).write_bytes(b"")
    # Split before the names are put in: a hostile one has spaces.
    words = [word.format_map(place.names) for word in output.command.split()]
    with _logging_undone():
        done = CliRunner().invoke(main, [words[0], *output.options, *words[1:]])
    refused = unsafe and b"redacted safely" in done.stderr_bytes
    assert done.exit_code == (1 if refused else output.code), (output, done.stderr)
    runner = "--github" in words
    yield Said("stdout", output.form, done.stdout_bytes, runner and output.form == "text")
    yield Said("stderr", "text", done.stderr_bytes, runner and output.form != "text")
    for path in sorted(place.left.iterdir()):
        if path.suffix in _FORMS:
            yield Said(path.name, _FORMS[path.suffix], path.read_bytes())
        path.unlink()


@contextlib.contextmanager
def _logging_undone() -> Iterator[None]:
    """`-vv` starts logging for the whole process: stop it again."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    try:
        yield
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]


def live_lines(capture: Path, process: Process, *, color: bool = False) -> bytes:
    """What `watch` shows of the same packets, each call being made by `process`."""
    lines = Lines(color=color, who=lambda client, server: process)
    shown: list[str] = []

    def show(make: Callable[..., str]) -> Callable[..., None]:
        return lambda fact: shown.append(make(fact))

    inspect_captures(
        [capture],
        OPTIONS,
        on_exchange=show(lines.exchange),
        on_tunnel=show(lines.tunnel),
    )
    return _encoded("".join(line + "\n" for line in shown))


def placed(
    folder: Path,
    capture: bytes,
    other: bytes,
    logs: dict[str, bytes],
    policy: str,
    *,
    name: str = "capture.pcapng",
) -> Place:
    """Write what the command lines are about; `name` is that of the capture's file."""
    first, second = folder / "run", folder / "other"
    left = folder / "left"
    for directory in (first, second, left):
        directory.mkdir()
    paths = first / name, second / name
    for path, data in zip(paths, (capture, other), strict=True):
        path.write_bytes(data)
    for log, data in logs.items():
        (first / log).write_bytes(data)
    reports = folder / "report.json", folder / "other-report.json"
    for path, report in zip(paths, reports, strict=True):
        done = CliRunner().invoke(
            main, ["analyze", *TOLD, "--format", "json", str(path)], catch_exceptions=False
        )
        report.write_bytes(done.stdout_bytes)
    written = folder / "policy.toml", folder / "broken.toml"
    written[0].write_text(policy)
    written[1].write_text(policy + "\n[[expect]]\nprovider = 'nobody'\n")
    squid_log, proxy_log = (first / log for log in logs)
    return Place(*paths, *reports, *written, squid_log, proxy_log, left)


def kept(talk: Talk) -> Talk:
    """The same talk."""
    return talk


def refused(talk: Talk) -> Talk:
    """The same talk with every good answer made a bad one, so that findings speak of it."""
    worse: list[tuple[bool, bytes | Lost]] = [
        (up, item.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 401 No"))
        if isinstance(item, bytes)
        else (up, item)
        for up, item in talk.said
    ]
    return replace(talk, said=worse)


def report_of(talk: Talk, folder: Path) -> Report:
    """What a capture of one talk comes to."""
    path = folder / "alone.pcapng"
    path.write_bytes(wire.capture([talk], wire.Description()))
    return inspect_captures([path], OPTIONS)


def rendered(report: Report) -> Iterator[Said]:
    """What every renderer makes of one report, without a command line."""
    empty = replace(report, exchanges=(), tunnels=(), direct_tls=(), clients=(), findings=())
    verdict = judge(report, built_in("awf"), date(2026, 1, 1))
    differences = compare.compare(compare.Side("a", report), compare.Side("b", empty))
    texts = {
        "page": terminal.render(report, width=500, verbosity=1),
        "narrow page": terminal.render(report, width=40),
        "comparison": compare_page.page(differences, width=500),
        "judgement": telling.page(verdict, report, width=500),
    }
    details = Details(report)
    ids: list[str] = [each.id for each in report.exchanges]
    ids += [tunnel.id for tunnel in report.tunnels]
    for name in (*ids, *(connection.id for connection in report.connections)):
        texts[f"{name} in full"] = detail_page.page(details.of(name), report, width=500)
    for name, text in texts.items():
        yield Said(name, "text", _encoded(text))
    colored = terminal.render(report, width=80, color=True, verbosity=1)
    yield Said("page in colour", "colored", _encoded(colored))
    yield Said("annotations", "text", _encoded("\n".join(github.annotation_lines(report))), True)
    yield Said("outputs", "outputs", _encoded(github.outputs(report, "")))
    for name, told in (
        ("comparison as JSON", compared.plain(differences)),
        ("judgement as JSON", plain(verdict)),
    ):
        yield Said(name, "json", dumps(told))
    for file in FILES:
        yield Said(file.name, _FORMS[Path(file.name).suffix], _left(partial(file.write, report)))
    yield Said("junit.xml", "xml", _left(partial(write_junit, [("a", verdict)])))


def _left(write: Callable[[BinaryIO], None]) -> bytes:
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
