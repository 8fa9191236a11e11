"""Many runs, one table: each run judged by itself, one row a run, and tables of what it did.

`discovery` says what a run is, `judging` makes rows of one, `cell` does so in a process of its own,
an engine keeps cells busy, `store` holds the rows, `summary` counts over them.
"""
