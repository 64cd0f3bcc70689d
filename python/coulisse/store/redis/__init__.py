"""Redis: images for other applications to read, and what happens, for them to hear.

Nothing stands in it that cannot be made again at once: a node never reads from it.
"""
