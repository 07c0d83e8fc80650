"""``python -m srnet_cli``, and the console script."""


def start() -> None:
    """Run the program; Ctrl-C counts from here on, also while it is still being imported."""
    from srnet_cli import interrupts

    interrupts.end_at_once()
    from srnet_cli.main import run

    run()


if __name__ == "__main__":
    start()
