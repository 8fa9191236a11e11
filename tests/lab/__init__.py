"""The lab: a real bridge with a real Squid, real TLS and real clients, on any Linux, as root.

``network`` builds the namespaces, ``squid``, ``proxy`` and ``upstream`` start what stands on
them, ``clients`` makes the traffic, ``record`` writes it down.  See docs/lab.md.
"""
