"""Live packets: the bridge found, a ring opened on it, privileges given up.

Every part answers for itself and keeps going: what is missing is said with its
remedy, and the next lower rung is used (docs/design.md).
"""
