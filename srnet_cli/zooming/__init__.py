"""Enlarge pictures: tiles, frame, engine, and batches of files."""
