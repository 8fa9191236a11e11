"""Logs as second witnesses: what Squid and the API proxy wrote down beside the packets.

A log line is a statement, not a fact: it is joined to the tunnel or exchange
it is about, and where the two disagree both are told.
"""
