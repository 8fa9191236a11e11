"""What leaks today, recorded, so that every later step sees it fall.

`cases` are keys planted in a place, in a writing, under a damage of the packets.
Each is looked at in two ways.  *Search*: do twelve bytes of the key stand in an
output, in any of `views`?  *Non-interference*: is every output the same for
another key of the same kind, length and equalities?  The second needs no list
of writings.  `planted` searches the captures of another hand, where they are.

`record.txt` holds what leaks and what interferes, a line a case.  A test fails
for a case that is not in it, and for one that no longer belongs there:
`make leaks` runs everything and counts, `make leaks LOWER=1` takes out what is
mended.  Nothing puts a line in but an editor.
"""
