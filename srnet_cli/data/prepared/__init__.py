"""Pairs that are made once and kept: the cache of a set, and one item of it on disk."""
