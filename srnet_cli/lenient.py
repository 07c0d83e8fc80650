"""Standard error that nobody may be able to take any more: its reader, its room or its terminal is gone."""

from __future__ import annotations

import io
import os
import sys
from typing import BinaryIO


class LenientStream(io.TextIOWrapper):
    """Text that is dropped where it cannot be written: what is said must not end the work it is said of."""

    def write(self, text: str) -> int:
        """Write or drop ``text``; return how many characters that was."""
        try:
            return super().write(text)
        except OSError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        """Hand on, or drop, what was written."""
        try:
            super().flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """Write what is held back into nothing; it would be tried again and again otherwise."""
        descriptor = self.fileno()
        kept, nowhere = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        super().flush()
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)


def lenient_stderr(file: BinaryIO) -> LenientStream:
    """Return a stream like standard error that writes to ``file``."""
    return LenientStream(file, sys.stderr.encoding, sys.stderr.errors, line_buffering=True)


def drop_what_stderr_refuses() -> None:
    """Have this process go on when its standard error cannot be written."""
    if sys.stderr is not None:
        sys.stderr = lenient_stderr(sys.stderr.buffer)
