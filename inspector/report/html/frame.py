"""What every page for a browser has around it: one style and one script, allowed by hash.

The Content Security Policy forbids everything but these two, by their SHA-256 (CSP 3, 8.4): no
network, no frame, no form, no text that is taken for markup (`require-trusted-types-for`).  Texts
reach a page escaped twice over: for people, as everywhere (`page.escape`), and for HTML, by the
template's autoescape.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from jinja2 import Template


def write_page(package: str, words: dict[str, Any], out: BinaryIO) -> None:
    """Write the page whose `page.html`, `page.css` and `page.js` are in a package.

    `words` are the names of the template.  Style and script stand behind those of every page.
    """
    style, script = (
        part(__package__, f"frame.{kind}") + part(package, f"page.{kind}") for kind in ("css", "js")
    )
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash_of(style)}; script-src {_hash_of(script)}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    told = {**words, "policy": policy, "style": style, "script": script}
    for piece in _template(package).generate(told):
        out.write(piece.encode("utf-8", "backslashreplace"))


@cache
def _template(package: str) -> Template:
    """The template; jinja2 is imported with the first page that is written."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_defused,
    )
    return environment.from_string(part(package, "page.html"))


def _defused(value: Any) -> Any:
    """A text in which a runner sees no `##[command]`, when a step prints the page."""
    from markupsafe import Markup, escape

    if isinstance(value, Markup) or not isinstance(value, str) or "##[" not in value:
        return value
    return Markup(str(escape(value)).replace("##[", "##&#91;"))


@cache
def part(package: str, name: str) -> str:
    """The text of a file beside the modules of a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _hash_of(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
