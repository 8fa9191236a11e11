"""Live packets: the bridge found, a ring opened on it, programs attached to the kernel.

Each part fails on its own: what is missing is reported with its remedy, and the capture goes
on with the next best thing (docs/live.md).
"""
