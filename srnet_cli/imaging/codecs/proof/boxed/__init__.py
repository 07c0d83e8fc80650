"""AVIF and HEIF, whose parts are described by boxes."""
