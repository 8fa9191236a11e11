"""The real stack in network namespaces or Docker: scenarios played, recorded and judged."""
