"""``python -m srnet_cli``."""

from srnet_cli.main import run

if __name__ == "__main__":
    run()
