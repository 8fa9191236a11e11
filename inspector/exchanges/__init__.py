"""Request meets response; CONNECT opens a tunnel with a child; who is who."""
