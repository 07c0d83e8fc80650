"""Training and evaluation data: real zoom sequences, paired folders, simulated zoom; patches of any.

``opening`` has the table of kinds and what a command needs: ``detect_source``, ``prepare_source``,
``open_source``.
"""

from srnet_cli.data.sources import Batch, TrainingSource, ValidationItem

__all__ = ["Batch", "TrainingSource", "ValidationItem"]
