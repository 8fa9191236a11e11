"""`ShownTexts`: any text that a report shows, without credentials and without what nothing grants.

Keys are labels in it (`scrubbing`), and so is what `secrets` does not grant (`granting`).
"""

from __future__ import annotations

from collections.abc import Iterable

from inspector.credentials import granting
from inspector.credentials.scrubbing import NOT_SHOWN, Scrubber
from inspector.credentials.written import WrittenTexts
from inspector.secrets import free_text, labels
from inspector.secrets.grammar import hidden_in_host
from inspector.secrets.vault import Vault


class ShownTexts:
    """Writes texts as they may be shown; those that came before are looked up.

    `key` keys the labels, `kept_headers` are names of headers whose value is shown though no
    grammar grants it, and `vault` knows the credentials that were learnt.
    """

    def __init__(self, key: bytes, kept_headers: Iterable[str], vault: Vault | None) -> None:
        self._key = key
        self._kept = granting.folded_names(kept_headers)
        self._scrubber = Scrubber(key, vault)
        self._words = WrittenTexts(key, self._scrubber)
        self._names = WrittenTexts(key, self._scrubber)

    @property
    def generation(self) -> int:
        """Grows with every key learnt: text written before may hold one that is known now."""
        return self._scrubber.vault.generation

    @property
    def is_full(self) -> bool:
        """More credentials were met than can be remembered: free text is not written."""
        return self._scrubber.vault.is_full

    def holds_learnt(self, text: str) -> bool:
        """Whether a piece of a learnt credential stands in a text."""
        return self._scrubber.holds_learnt(text)

    def may_hold_learnt(self, texts: Iterable[str]) -> bool:
        """Whether `holds_learnt` may be true of any of some texts."""
        return self._scrubber.may_hold_learnt(texts)

    def authority(self, host: str) -> str:
        """A host as the authority of a target is shown, so that both can be compared."""
        return self._granted(host, hidden_in_host)

    def value(self, name: bytes, text: str) -> str:
        """The value of a header, or of a pseudo-header of `secrets.grants`, as it may be shown."""
        return self._granted(text, granting.of_header(name, self._kept))

    def name(self, text: str) -> str:
        """The name of a field, in which nothing is left but words (`secrets.free_text`)."""
        return self._names.once(text, self._in_name)

    def _in_name(self, text: str) -> str:
        return self._granted(text, free_text.hidden_in_name)

    def label(self, text: str) -> str:
        """What is shown of a value that nothing grants: equal for equal values of one run."""
        return labels.label(text, self._key)

    def _granted(self, text: str, hidden: granting.Hidden) -> str:
        if hidden is granting.everything:
            return granting.written(self._scrubber.prefixed(text), hidden, self._key)
        text = self.scrub(text)
        return text if text == NOT_SHOWN else granting.written(text, hidden, self._key)

    def scrub(self, text: str) -> str:
        """Free text with everything key-shaped replaced by its label; placeholders stay."""
        return self._scrubber.scrub(text)

    def words(self, text: str) -> str:
        """Free text of which nothing is left but words (`secrets.free_text`), keys as labels.

        Safe whenever it is written: no key that is learnt later stands in it.
        """
        return self._words.plain.get(text) or self._words.once(text, self._in_words)

    def _in_words(self, text: str) -> str:
        shown = self.scrub(text)
        if shown == NOT_SHOWN:
            return shown
        raw = shown.encode("utf-8", "surrogatepass").decode("latin-1")
        shown = granting.written(raw, free_text.hidden, self._key)
        return shown.encode("latin-1").decode("utf-8", "replace")
