from __future__ import annotations

import json

import jsonschema
import pytest
from click.testing import CliRunner

from inspector.cli.doctor import _page
from inspector.cli.doctored import doctor_schema
from inspector.cli.main import main
from inspector.linux.probes import Check


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["doctor", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_each_rung_is_a_line_with_its_answer() -> None:
    lines = [line for line in run().splitlines() if not line.startswith(" ")]

    assert {line.split()[0] for line in lines} <= {"yes", "no", "?"}
    names = "\n".join(lines)
    for rung in ("packet ring", "bridge", "kernel BTF", "libbpf", "container names", "tshark"):
        assert rung in names


def test_as_json_each_rung_has_an_answer_and_its_kernel() -> None:
    answer = json.loads(run("--format", "json"))

    jsonschema.Draft202012Validator(doctor_schema()).validate(answer)
    assert {check["answer"] for check in answer["checks"]} <= {"yes", "no", "could not tell"}
    assert all(
        set(check) == {"name", "answer", "detail", "without", "kernel", "remedy"}
        for check in answer["checks"]
    )


def test_a_lack_is_told_with_what_is_lost_its_remedy_and_its_kernel() -> None:
    check = Check("kernel BTF", "no", "", "no processes", "5.4", "another kernel")

    assert _page([check]) == (
        "no   kernel BTF\n"
        "                 without it: no processes\n"
        "                 remedy: another kernel (Linux 5.4 or newer)\n"
    )


@pytest.mark.parametrize("name", ["br\x1b[31m", "::error::br0"])
def test_an_interface_cannot_write_to_the_terminal(name: str) -> None:
    page = _page([Check("bridge", "yes", name, "", "any", "")])

    assert "\x1b" not in page
    assert not page.startswith("::")


def test_a_namespace_that_is_not_there_is_an_error_that_names_it() -> None:
    result = CliRunner().invoke(main, ["doctor", "--netns", "no-such-namespace"])

    assert result.exit_code == 1
    assert "There is no network namespace 'no-such-namespace'." in result.output
