from __future__ import annotations

from pathlib import Path

import pytest

from srnet_cli.config_file import read_config
from srnet_cli.errors import UsageError
from srnet_cli.training.options import option_table

TYPES = {name: key.type for name, key in option_table().items()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patchsize = 64", "unknown option 'patchsize'; did you mean 'patch_size'?"),
        ("lr = 'fast'", "lr is a number, not 'fast'"),
        ("scale = 4.5", "scale is a whole number"),
        ("compile = 1", "compile is true or false"),
        ("steps = true", "steps is a whole number"),
        ("milestones = 5", "milestones is a list"),
        ("lr = inf", "lr must be finite"),
        (f"lr = {'9' * 400}", "lr is a number of 400 digits"),
        (f"steps = -{'9' * 31}", "steps is a number of 32 digits"),
        ("phases = [{until = 1.0, patch = 9}]", "an entry of phases lacks batch"),
        ("phases = [{until = 1.0, patch = 9, batch = 1, size = 2}]", "unknown option 'size'"),
        ("phases = [7]", "an entry of phases is {until = …, patch = …, batch = …}, not 7"),
        ("phases = [{until = 1.5, patch = 9, batch = 1}]", "until lies in 0..1"),
        ("lr = ", "not valid TOML"),
        ('data = "a\\u0000b"', "data holds a NUL"),
        ('data = ["a", "b\\u0000"]', "data holds a NUL"),
        ('output = "\\u0000"', "output holds a NUL"),
        ('init = "\\u0000"', "init holds a NUL"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "options.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_config(path, TYPES)
    assert message in str(caught.value)
    assert caught.value.path == path


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        read_config(tmp_path / "none.toml", TYPES)
