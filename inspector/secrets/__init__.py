"""What may be shown of a head: a value leaves where its name and its grammar grant it.

Blank is the default.  `grants` has the table of names, `grammar` the forms that a value may
have, `paths` the segments of request targets; `labels` is what stands where nothing is granted.
One table decides the report, the page and the redacted copy.
"""
