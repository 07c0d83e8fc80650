"""What a zoom lost: residuals, entropy, heatmaps. Called, it is the library's ``residual``."""

from srnet_cli.callable_room import make_callable

make_callable(__name__)
