from __future__ import annotations

from inspector.cli.analyze import analyze
from inspector.cli.main import EXIT_CODES
from tools.docs import commands as reference


def test_the_page_in_the_documentation_is_that_of_the_commands() -> None:
    page = reference.PATH.read_text(encoding="utf-8")
    assert page == reference.page(), "run: python -m tools.docs.commands"


def test_every_option_and_exit_code_is_on_the_page() -> None:
    page = reference.page()
    for parameter in analyze.params:
        assert max(parameter.opts, key=len) in page or parameter.name == "paths"
    assert all(f"| {code} | {meaning} |" in page for code, meaning in EXIT_CODES.items())
