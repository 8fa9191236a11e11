"""The text of each field of a record: the string that stands below it in the source.

The schema, docs/report.md and whoever explains a field take it from here, so that a field has
one description.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise


def field_texts(kind: type) -> dict[str, str]:
    """Field name -> its text, paragraphs apart by an empty line.

    Raises OSError where the source is not at hand.
    """
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
