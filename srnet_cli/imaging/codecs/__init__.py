"""Codecs: what each file format needs beyond a library, and the directory structure of TIFF."""
