"""Training data for networks that read mosaics: photographs, taken by the simulated camera up to its sensor."""
