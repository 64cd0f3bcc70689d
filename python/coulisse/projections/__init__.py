"""Pure folds of events: what a store holds, as a function of the log alone.

The fold that fills stores is `crates/projections`; its tables are read here. `reference.py` is the
same fold in plain Python, written from the tables' words and slow: what stores are compared with.
"""
