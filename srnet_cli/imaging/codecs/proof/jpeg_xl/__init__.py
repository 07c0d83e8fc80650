"""Proofs of JPEG XL: that all of its coded pixels are needed."""
