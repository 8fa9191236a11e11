"""The compiled core: the same as the Python that specifies it, for nearly every packet.

`library` finds and loads it, `layout` says how memory is shared with it, `used` which one is
used.  The pure engine is the specification and always there: without this room everything is
read, slower.
"""
