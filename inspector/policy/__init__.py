"""What a run is expected to be, and whether a report proves that it was."""
