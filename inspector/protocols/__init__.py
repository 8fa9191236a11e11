"""Sans-I/O parsers: bytes of one direction in, facts and named faults out."""
