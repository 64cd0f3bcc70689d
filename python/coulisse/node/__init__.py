"""Composition root: builds a node from a configuration and runs it."""
