"""Damaged conversations for each reader of the wire, and what must hold of all of them."""
