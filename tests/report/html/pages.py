"""The page of a report taken apart, as a browser would without its script."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

from inspector.model.report import Report
from inspector.report.html.write import write_html

#: What may stand in an element besides its name; `on...` and `style` may not, nor an address.
ATTRIBUTES = re.compile(
    r"(class|id|lang|type|title|scope|hidden|tabindex|role|href|for|aria-[a-z]+|data-[a-z]+|name|content"
    r"|charset|http-equiv|placeholder|autocomplete|spellcheck|width|height|patternunits"
    r"|patterntransform|viewbox|preserveaspectratio|x1|x2|y1|y2|x|y)"
)


class Page(HTMLParser):
    """Elements, their attributes, and the text of scripts, styles and of what is shown."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self.shown: list[str] = []
        self._within: list[tuple[str, dict[str, str]]] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        self._within.append((tag, found))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, attributes = self._within[-1] if self._within else ("", {})
        if tag == "script":
            self.scripts.append((attributes.get("type", ""), data))
        elif tag == "style":
            self.styles.append(data)
        else:
            self.shown.append(data)

    @property
    def data(self) -> dict[str, Any]:
        """What the script draws."""
        [found] = [text for kind, text in self.scripts if kind == "application/json"]
        value: dict[str, Any] = json.loads(found)
        return value

    @property
    def policy(self) -> str:
        """The Content Security Policy."""
        [found] = [
            attributes["content"]
            for tag, attributes in self.tags
            if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return found

    def odd(self) -> list[str]:
        """What a page that asks no network and runs its own script alone has not."""
        wrong = [f"{name} of {tag}" for tag, found in self.tags for name in found
                 if not ATTRIBUTES.fullmatch(name)]  # fmt: skip
        wrong += [f"href {found['href']}" for _, found in self.tags
                  if not found.get("href", "#").startswith("#")]  # fmt: skip
        wrong += [tag for tag, _ in self.tags if tag in ("img", "iframe", "object", "embed", "link",
                                                         "base", "audio", "video")]  # fmt: skip
        run = [text for kind, text in self.scripts if kind != "application/json"]
        if len(run) != 1 or len(self.styles) != 1:
            return [*wrong, f"{len(run)} scripts, {len(self.styles)} styles"]
        for kind, text in (("script", run[0]), ("style", self.styles[0])):
            hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            if f"{kind}-src 'sha256-{hashed}'" not in self.policy:
                wrong.append(f"the {kind} is not the one that the policy allows")
        return wrong


def document_of(report: Report) -> str:
    """The page's text."""
    out = io.BytesIO()
    write_html(report, out)
    return out.getvalue().decode()


def page_of(report: Report) -> Page:
    """The page, taken apart."""
    return Page(document_of(report))


def rows_of(data: dict[str, Any], of: str) -> list[dict[str, Any]]:
    """The rows of a table of the data by the names of their columns; numbers of texts stay."""
    return [dict(zip(data["columns"][of], row, strict=True)) for row in data[of]]
