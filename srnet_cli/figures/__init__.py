"""Figures and tables of a paper, from pairs, runs and evaluations."""
