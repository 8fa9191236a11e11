"""Programs in the kernel: which process holds a connection's end, which bytes are worth keeping.

C with CO-RE in `*.bpf.c`, built by `make bpf` into the objects that the wheel
ships, loaded by `loader`.  docs/ebpf.md says what is attached and what is read.
"""
