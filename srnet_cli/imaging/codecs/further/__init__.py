"""Formats of phones and of other programs."""
