"""A measurement: record walk and in-order join in C, behind the contract of a packet engine."""
