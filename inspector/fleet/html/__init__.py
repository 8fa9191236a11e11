"""The page of a fleet for a browser (`fleet.html`), which opens from disk and asks no network.

All of it is in the page as text and tables; the script only hides rows that a filter does not want.
"""
