"""Proofs of WebP: that its sizes agree, and that its coded pixels are all there."""
