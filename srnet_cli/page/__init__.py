"""A page on this computer that zooms, for those who have no terminal."""
