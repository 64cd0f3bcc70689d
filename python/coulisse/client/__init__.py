"""The async SDK: one connection to one node, with explicit outcomes."""
