"""Figures of the pages of docs/, written from bench/results between marks that name a block.

Nobody types a figure there: `make generate` writes the blocks again, and `make check` compares.
"""
