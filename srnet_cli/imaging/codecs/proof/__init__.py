"""Proof that a file is whole: what its header asks for, compared with what is there."""
