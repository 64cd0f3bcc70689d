"""Releases: the version, the changelog, wheels with what goes beside them, and audits.

    .venv/bin/python -m tools.release COMMAND

How a release is cut is in docs/operating/releases.md. Whoever cuts one needs no secret here: what
is signed is signed by CI.
"""
