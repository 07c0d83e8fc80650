"""The simulated camera beside real ones: ``python -m benchmarks.camera``."""
