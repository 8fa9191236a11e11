"""Formats for programs: JSON, JSON Lines, the schema; written, read, reduced to what is stable."""
