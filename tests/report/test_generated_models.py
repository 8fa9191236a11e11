"""Models that a program generates from the schema hold every golden report, and lose nothing."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path
from typing import Final

import pytest

from inspector.capture_files import inspect
from inspector.cli.schemas import SCHEMAS, text
from inspector.report.formats.whole import as_json

CAPTURES: Final = Path(__file__).parents[2] / "captures"
#: The generator, and what its models need; installed beside the project, never into it.
NEEDS: Final = ("datamodel-code-generator>=0.25", "pydantic>=2", "msgspec>=0.19")

#: Loads each report into the models and writes what they hold.
PYDANTIC: Final = """
import json, sys
sys.path.insert(0, sys.argv[1])
import models
kind = getattr(models, sys.argv[2])
for line in sys.stdin:
    print(kind.model_validate_json(line).model_dump_json(by_alias=True))
"""


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment of its own with the generator."""
    folder = tmp_path_factory.mktemp("generator")
    venv.create(folder, with_pip=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *NEEDS]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip("datamodel-code-generator cannot be installed: no package index")
    return folder / "bin"


def generated(generator: Path, name: str, folder: Path) -> str:
    """Make `models.py` of a schema in `folder`; the name of its outermost class."""
    schema = folder / "schema.json"
    schema.write_text(text(name))
    subprocess.run(
        [
            generator / "datamodel-codegen", "--input", schema, "--input-file-type", "jsonschema",
            "--output", folder / "models.py", "--output-model-type", "pydantic_v2.BaseModel",
            "--class-name", "Outermost", "--target-python-version", "3.11",
        ],
        check=True, capture_output=True, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    return "Outermost"


@pytest.mark.long
def test_pydantic_models_of_the_schema_hold_every_golden_to_the_nanosecond(
    generator: Path, tmp_path: Path
) -> None:
    name = generated(generator, "report", tmp_path)
    reports = [
        json.loads(as_json(inspect(path.parent)))
        for path in sorted(CAPTURES.glob("*/expected.json"))
    ]
    reports.append(json.loads((CAPTURES.parent / "docs" / "example-report.json").read_text()))
    lines = "\n".join(map(json.dumps, reports))
    run = subprocess.run(
        [generator / "python", "-c", PYDANTIC, tmp_path, name],
        input=lines, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    held = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(held) == len(reports) > 60
    for number, (one, other) in enumerate(zip(held, reports, strict=True)):
        assert json.dumps(one) == json.dumps(other), number


@pytest.mark.long
@pytest.mark.parametrize("name", SCHEMAS)
def test_models_of_every_schema_can_be_imported(generator: Path, tmp_path: Path, name: str) -> None:
    outermost = generated(generator, name, tmp_path)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import models; models.{outermost}"
    subprocess.run([generator / "python", "-c", script], check=True, capture_output=True)


def test_no_time_has_a_format_that_makes_less_of_it() -> None:
    for name in SCHEMAS:
        assert "date-time" not in text(name)
