"""A picture in, a larger picture out. Called, it is the library's ``zoom``."""

from srnet_cli.callable_room import make_callable

make_callable(__name__)
