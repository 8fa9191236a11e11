"""The command line: options in, a report out.  No logic lives here."""
