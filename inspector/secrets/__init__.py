"""What may be shown: a value leaves where its name and its grammar grant it, a text word by word.

Blank is the default.  `grants` has the table of names, `grammar` the forms that a value may
have, `paths` the segments of request targets; `labels` is what stands where nothing is granted.
`free_text` grants the words of messages: `letters` knows how words are built, `words` has the
others, `announced` tells what a text says is a secret, `writings` undoes how it is written.
One table decides the report, the page and the redacted copy.

What may never be shown is in the `vault`: the credentials that a run has met, which are found
again in any writing (`echoes`).  `positions` are the names that say secret, `public` and
`constants` the words that no secret is.
"""
