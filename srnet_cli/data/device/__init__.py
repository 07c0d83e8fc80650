"""Training patches made on the device, for several steps at once."""
