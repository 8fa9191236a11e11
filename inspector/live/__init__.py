"""A live capture: sources, command, signals and files put together.

The pass is the same for every packet: numbered, looked at by the offline
engine, scrubbed of credentials, written.  See docs/live.md.
"""
