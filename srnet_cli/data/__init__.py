"""Training and evaluation data: real zoom sequences, paired folders, simulated zoom; patches of any."""

from srnet_cli.data.sources import Batch, TrainingSource, ValidationItem, global_batch

__all__ = ["Batch", "TrainingSource", "ValidationItem", "global_batch"]
