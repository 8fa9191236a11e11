"""Every code of the catalogue is shown: by a golden capture, or by packets made by hand."""

from __future__ import annotations

import json

import pytest

from inspector.diagnosis.catalogue import CODES
from tests.docs.pages import ROOT


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_a_capture_or_a_made_case_that_shows_it(code: str) -> None:
    """That a made case fails without its rule is what tests/diagnosis/test_mutation.py tries."""
    golden = CODES[code].shown_by
    if golden is not None:
        expected = json.loads((ROOT / "captures" / golden / "expected.json").read_text())
        codes = {finding["code"] for finding in expected["findings"]}
        assert code in codes or CODES[code].severity == "note", "notes are in no expected.json"
        return
    made = ROOT / "tests" / "diagnosis" / "rules" / f"test_{code.replace('-', '_')}.py"
    assert f'"{code}"' in made.read_text(encoding="utf-8")
