"""Workloads written as packets, and a race of three programs over them."""
