from __future__ import annotations

import pytest

from tools.docs import limits


def test_the_page_in_the_documentation_is_that_of_the_code() -> None:
    page = limits.PAGE.read_text(encoding="utf-8")
    assert page == limits.limits_page(), "run: python -m tools.docs.limits"


def test_a_constant_without_a_comment_is_refused() -> None:
    assert limits.meaning("#: What it\n#: bounds.\nMAX: Final = 3\n", "MAX") == "What it bounds."
    with pytest.raises(ValueError, match="MAX"):
        limits.meaning("MAX: Final = 3\n", "MAX")
