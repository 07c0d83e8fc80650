"""The model in a run's folder, which is that of its best checkpoint."""

from __future__ import annotations

from pathlib import Path

from srnet_cli.errors import WeightsError
from srnet_cli.models.card import Card
from srnet_cli.models.store import LoadedModel, load_model, save_model
from srnet_cli.training.run.checkpoint import Progress
from srnet_cli.training.run.folder import RunFolder


def export_best(folder: RunFolder) -> Card | None:
    """Write the model of the best checkpoint where the folder does not have it.

    Returns:
        The card of the model that is there then, or None.

    Raises:
        OutputError: when it cannot be written.
    """
    best, there = _loaded(folder.best), _loaded(folder.path)
    if best is None or (there is not None and _steps(there.card) == _steps(best.card)):
        return None if there is None else there.card
    return save_model(folder.path, best.network, best.card)


def take_up_best(folder: RunFolder, progress: Progress) -> bool:
    """Make the best of a checkpoint that of the folder, and return whether it was.

    What could not be written, or is gone since, does not count; what a killed run has written behind its last
    checkpoint comes again.

    Raises:
        OutputError: as :func:`export_best`.
    """
    card = export_best(folder)
    if progress.best_step is None or (card is not None and _steps(card) >= progress.best_step):
        return True
    psnr = None if card is None else card.metrics.get("psnr_rgb")
    progress.best_psnr = psnr if isinstance(psnr, float) else None
    progress.best_step = None if card is None or progress.best_psnr is None else _steps(card)
    return False


def _steps(card: Card) -> int:
    """Return the steps that a model was trained for, 0 where its card does not say."""
    steps = card.recipe.get("trained_steps")
    return steps if isinstance(steps, int) else 0


def _loaded(path: Path) -> LoadedModel | None:
    """Load a model; None where there is none, or a damaged one."""
    try:
        return load_model(path)
    except WeightsError:
        return None
