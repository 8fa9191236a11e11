"""The compiled core: built from its source, loaded or not, and the same as the pure engine."""
