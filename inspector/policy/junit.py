"""Judgements as JUnit XML, which GitLab, Jenkins and reporters of GitHub Actions read.

A run is a test suite, and a sentence of its policy (`inspector check --explain`) a test case: a
failure where it is broken, skipped with the reason where the capture cannot prove it.  There is no
one schema of the format; what is written is what the common ones share (one `failure` or `skipped`
a case, counts on each suite), and no time: a judgement has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, ElementTree, SubElement

from inspector.policy.judge import JudgedSentence, Judgement
from inspector.policy.page import NOTHING, VERDICTS, told
from inspector.report.page import words
from inspector.report.page.escape import clipped

#: Characters of one text; a judgement names what a capture holds.
_TEXT: Final = 1000


def write_junit(judged: Sequence[tuple[str, Judgement]], out: BinaryIO) -> None:
    """Write judgements, each by the name of its run.

    All text is escaped as on a page, as XML 1.0 has no control characters.
    """
    root = Element("testsuites", name="inspector check")
    for name, judgement in judged:
        root.append(_suite(name, judgement))
    counted = ("tests", "failures", "errors", "skipped")
    for count in counted:
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ElementTree(root).write(out, encoding="utf-8", xml_declaration=True)
    out.write(b"\n")


def _suite(name: str, judgement: Judgement) -> Element:
    suite = Element("testsuite", name=clipped(name, _TEXT))
    properties = SubElement(suite, "properties")
    facts = {
        "policy": judgement.policy,
        "verdict": VERDICTS[judgement.verdict][0].lower(),
        "exit_code": str(int(judgement.exit_code)),
        "calls": str(judgement.calls),
    }
    for key, value in facts.items():
        SubElement(properties, "property", name=key, value=clipped(value, _TEXT))
    cases = [_case(held, judgement.policy) for held in judgement.held]
    suite.extend(cases)
    if judgement.about_nothing:
        SubElement(suite, "system-out").text = NOTHING
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": 0,
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    for key, count in counts.items():
        suite.set(key, str(count))
    return suite


def _case(held: JudgedSentence, policy: str) -> Element:
    case = Element("testcase", classname=clipped(policy, _TEXT), name=clipped(held.sentence, _TEXT))
    broken, doubts = list(_broken(held)), [told(doubt, "") for doubt in held.doubts]
    if broken and held.fails:
        result = SubElement(case, "failure", type="broken", message=_first(broken))
        result.text = "\n".join(broken)
        _also(case, doubts, "not proven")
    elif doubts:
        SubElement(case, "skipped", message=f"not proven: {_first(doubts)}")
        _also(case, broken, "remarked")
    else:
        _also(case, broken, "remarked")
    return case


def _first(said: Sequence[str]) -> str:
    more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
    return said[0] + more


def _also(case: Element, said: Iterable[str], kind: str) -> None:
    """What does not decide the case, and is said."""
    lines = [f"{kind}: {each}" for each in said]
    if lines:
        SubElement(case, "system-out").text = "\n".join(lines)


def _broken(held: JudgedSentence) -> Iterator[str]:
    for finding in held.findings:
        code = f"{clipped(finding.code, words.CELL)} x{finding.count}"
        yield f"{finding.severity} {code}: {clipped(finding.title, words.MESSAGE)}"
    for remark in held.broken:
        yield told(remark, "found ")
