"""The folder of a run, and the figures of it that are kept, shown and watched."""
