"""Blocks and codes of GIF."""
