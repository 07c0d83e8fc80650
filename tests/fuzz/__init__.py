"""A night of structure-aware mutations: ``python -m tests.fuzz --minutes N``."""
