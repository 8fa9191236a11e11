"""TLS with its keys: key logs to secrets, secrets to keys, records to what was said in them.

Nothing here opens a file or knows a connection.  `cryptography` is imported when the first key
is made, so that a run without keys never loads it.
"""
