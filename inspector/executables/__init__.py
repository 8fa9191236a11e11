"""Executables and shared libraries as files: what a probe has to know of their code.

Bytes in, facts out: whoever has the file gives a function that reads from it.  Everything
in such a file may be a lie, so all of it is bounded, and what is not understood is refused.
"""
