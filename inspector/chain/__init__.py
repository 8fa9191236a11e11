"""Hops joined: which tunnel the API proxy opened for which call, and who answered.

What is inside a tunnel cannot be read here; a tunnel is joined with a call by
when it was opened and closed, by the sizes that passed, and by the voice in
which the answer speaks.  Every link says how sure it is and why.
"""
