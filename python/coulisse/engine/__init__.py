"""Drives the core on the loop: batches, the durable watermark, feeds, commands of the node."""
