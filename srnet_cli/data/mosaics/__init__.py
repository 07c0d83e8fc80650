"""Training data for networks that read mosaics: photographs as the simulated camera's sensor stores them."""
