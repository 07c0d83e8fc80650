"""``python -m srnet_cli``, and the console script."""

#: how a shell says that Ctrl-C ended a program
INTERRUPTED = 130


def start() -> None:
    """Run the program; Ctrl-C counts from here on, also while it is still being imported."""
    try:
        from srnet_cli.main import run
    except KeyboardInterrupt:
        import sys

        print("interrupted", file=sys.stderr, flush=True)
        sys.exit(INTERRUPTED)
    run()


if __name__ == "__main__":
    start()
