"""Facts told to people and programs: the report and its renderers, one a module."""
