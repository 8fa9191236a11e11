from __future__ import annotations

from inspector.errors import CaptureError, CaptureUnreadable, InspectorError, NotACapture


def test_an_error_reads_as_sentences_culprit_first() -> None:
    error = InspectorError("The door is shut", "Open it", "It is not locked!")
    assert str(error) == "The door is shut. Open it. It is not locked!"


def test_an_error_need_not_say_what_it_is_not() -> None:
    assert str(InspectorError("a is b", "do c.")) == "a is b. do c."


def test_no_capture_means_nothing_to_analyse_and_the_rest_is_a_failure() -> None:
    assert NotACapture("a", "b").exit_code == 4
    assert CaptureUnreadable("a", "b").exit_code == 1
    assert issubclass(NotACapture, CaptureError)
    assert issubclass(CaptureUnreadable, CaptureError)
    assert issubclass(CaptureError, InspectorError)
