"""An optimiser step and its parts."""
