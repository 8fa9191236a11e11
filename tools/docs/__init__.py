"""Generators of the pages in docs/ and of the picture in README.md: `make docs`."""
