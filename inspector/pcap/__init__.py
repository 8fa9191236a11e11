"""Capture files: pcap and pcapng, read and written, plain or compressed."""
