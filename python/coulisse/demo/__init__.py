"""A living market on one machine: simulated traders on a real node."""
