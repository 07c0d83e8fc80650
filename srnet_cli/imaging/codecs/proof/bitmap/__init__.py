"""Proofs of pixels that are stored as they are, row by row, or in runs: bitmaps and Photoshop files."""
