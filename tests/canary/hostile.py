"""Texts that would act if they were shown as they are, and what may not come of them.

The checks are what the readers do: GitHub's runner looks for commands, a
terminal obeys control characters, a browser gets what a CommonMark renderer
makes of a summary.
"""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from typing import Final
from xml.etree import ElementTree

from markdown_it import MarkdownIt

#: In every text, to see that it is shown at all.
MARK: Final = "HERON"

HOSTILE: Final[dict[str, str]] = {
    "command": "::error::HERON",
    "command of old": "HERON ##[error]HERON ##[group]",
    "command on a line of its own": "HERON\r\n::add-mask::HERON\n##[add-path]/\r::stop::",
    "command after a line separator": "HERON\u2028::error::HERON\u2029::error::\x85::error::",
    "command after spaces": "HERON" + 400 * " " + "::error::HERON",
    "command in escapes": "HERON%0A::error::HERON%1b[31m%0d%23%23[error]",
    "command in the escapes of JSON": r"HERON\n::error::HERON\r\n##[error]\u001b[31m",
    "terminal": "HERON\x1b[2J\x1b]0;HERON\x07\x1b[31m\x08\x08\x7f\x00\x9b31mHERON\x90",
    "terminal in the escapes of JSON": r"HERON\u001b[2J\u001b]0;x\u0007\b\u007f\u0000\u009b31m",
    "bidirectional": "HERON\u202eNOREH\u2066\u2067\u200f\u061c \u05d0\u0627 \u0660a\u0300",
    "bidirectional in the escapes of JSON": r"HERON\u202e\u2066\u200f\u05d0\u2028\ud800",
    "tags": "<script>HERON</script><img src=x onerror=HERON><!-- HERON --> </code></table>",
    "links": "[HERON](javascript:HERON) ![HERON](https://heron.example/x) <https://heron.example>",
    "Markdown": "`HERON` ``` | a | **b** _c_ ~~d~~ @heron #1 &lt;b&gt; &#60;b&#62; \\< $x$",
    "blocks": "# HERON\n\n> HERON\n\n- HERON\n\n| a | b |\n|---|---|\n```\nHERON\n<div>\n\n[a]: b",
    "rich": "[red]HERON[/red] [link=https://heron.example]HERON[/link] :skull:",
}
#: All at once, on one line, for places that hold one.
ALL: Final = " ".join(HOSTILE.values()).translate({ord(c): None for c in "\r\n\x00"})

#: An annotation of ours, as `report.github` writes it.
_OURS: Final = re.compile(r"::(?:error|warning|notice) title=inspector%3A [^:,]*::(?!.*##\[).*")
_SELECT_GRAPHIC_RENDITION: Final = re.compile(r"\x1b\[[0-9;]*m")
_STATEMENT: Final = re.compile(
    r"(sequenceDiagram|    (participant l\d+ as|Note over l\d+(,l\d+)?:|l\d+(->>|-->>|-x)l\d+:)"
    r" ([A-Za-z0-9 .,/=+()\-?_']|#\d+;)+)$"
)
_JUNIT: Final = frozenset(
    {"testsuites", "testsuite", "properties", "property", "testcase", "failure", "skipped"}
    | {"system-out"}
)
_TAGS: Final = frozenset(
    {"h3", "h4", "p", "strong", "em", "ul", "ol", "li", "code", "br", "span"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)


def commands(text: str) -> list[str]:
    """The lines in which a runner sees a command.

    The runner's ActionCommand: `::` at the start of a line, white space aside,
    or `##[` anywhere.  Its lines end as those of .NET do, and to be safe also
    where any other reader ends one.
    """
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


def foreign_commands(text: str) -> list[str]:
    """Those that are no annotation of ours."""
    return [line for line in commands(text) if not _OURS.fullmatch(line)]


def acting(text: str, *, colors: bool = False) -> set[str]:
    """Characters that a terminal obeys, or that reorder or hide what is read, as names."""
    if colors:
        text = _SELECT_GRAPHIC_RENDITION.sub("", text)
    return {
        f"U+{ord(character):04X}"
        for character in set(text) - {"\n"}
        if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"}
    }


def foreign_elements(document: str) -> set[str]:
    """Elements of XML that JUnit has not, and whatever no parser of XML takes."""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        return {str(error)}
    return {element.tag for element in root.iter()} - _JUNIT


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.odd: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # The block of the diagram, whose statements are looked at by themselves.
        if self.get_starttag_text() in ("<pre>", '<code class="language-mermaid">'):
            return
        if tag not in _TAGS or attrs:
            self.odd.add(self.get_starttag_text() or tag)

    def handle_comment(self, data: str) -> None:
        self.odd.add(f"<!--{data}-->")


def live_markup(markdown: str) -> set[str]:
    """What a browser would act on: tags that a summary has not of itself, and all with attributes.

    Raw HTML passes, as on GitHub before its sanitizer.
    """
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tags = _Tags()
    tags.feed(renderer.render(markdown))
    tags.close()
    return tags.odd | foreign_statements(markdown)


def foreign_statements(markdown: str) -> set[str]:
    """Lines of Mermaid blocks that are no statement of ours with a plain text at its end."""
    blocks = re.findall(r"^```mermaid\n(.*?)^```$", markdown, re.DOTALL | re.MULTILINE)
    return {line for block in blocks for line in block.splitlines() if not _STATEMENT.match(line)}


def uneven_tables(markdown: str) -> list[str]:
    """Rows of tables that have not as many cells as their heads."""
    odd, width = [], 0
    for line in markdown.split("\n"):
        if not line.startswith("|"):
            width = 0
            continue
        width = width or line.count("|")
        if line.count("|") != width:
            odd.append(line)
    return odd


def outputs_read(text: str) -> dict[str, str]:
    """What a runner reads in a step's output file: `name=value`, or `name<<end` and lines."""
    values: dict[str, str] = {}
    lines = iter(text.split("\n")[:-1])
    for line in lines:
        name, block, end = line.partition("<<")
        if not block or "=" in name:
            name, _, value = line.partition("=")
        else:
            value = "\n".join(iter(lambda: next(lines), end))
        values[name] = value
    return values
