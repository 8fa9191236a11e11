"""Packets to TCP streams: two ordered byte streams a connection, with gaps named."""
