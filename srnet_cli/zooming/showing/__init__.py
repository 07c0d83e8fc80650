"""What a zoom did, for the eye: heatmaps, a preview of a detail, a page with a slider."""
