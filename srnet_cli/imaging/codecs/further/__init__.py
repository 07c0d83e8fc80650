"""Formats of phones and of other programs, which are read and not written."""
