"""The compiled core: what `core.c` does, the same as the Python beside it, for nearly every packet.

`library` finds and loads it, `layout` says how memory is shared with it.  The pure engine is the
specification and always there: without this room everything is read, slower.
"""
