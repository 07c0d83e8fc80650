"""The page of a TIFF: its grid of pieces, what its directory says of it, and how they become a picture."""
