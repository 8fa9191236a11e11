"""The page for people: what is read from a report, said in blocks, for a terminal or Markdown."""
