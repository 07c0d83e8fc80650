"""What the directory of a RAW file says of its pixels, held against what is there."""
