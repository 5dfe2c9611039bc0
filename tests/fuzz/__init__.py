"""Damaged inputs for every reader: `PYTHONPATH=tests python -m fuzz` (see docs/promises.md)."""
