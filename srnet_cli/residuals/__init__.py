"""Measure and draw what a zoom lost: residuals, entropy, heatmaps."""
