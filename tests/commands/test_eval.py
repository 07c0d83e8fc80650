"""``srnet eval`` as the user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from srnet_cli.commands.eval import EXAMPLES, evaluate
from srnet_cli.commands.shell.examples import Command
from srnet_cli.errors import DataError, OutputError, UsageError
from srnet_cli.evaluation.measurement import EvaluationRequest
from srnet_cli.evaluation.methods import MethodOptions, _members
from srnet_cli.evaluation.run import LOCK_FILE
from srnet_cli.models.store import save_crisp, save_model
from srnet_cli.temporaries import held_alone
from tests.evaluation.conftest import draw, save
from tests.models.samples import CARD, tiny

app = typer.Typer()
app.command("eval", cls=Command, epilog=EXAMPLES)(evaluate)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed, name in enumerate(("ant", "bee")):
        save(draw(seed), tmp_path / "photos" / f"{name}.png")
    return tmp_path / "photos"


def invoke(*arguments: object) -> Result:
    fixed = ["--no-lpips", "--model", "bicubic", "--scale", "2"]
    return CliRunner().invoke(app, [*map(str, arguments), *fixed])


def test_without_json_stdout_is_empty_and_the_table_on_stderr(photos: Path) -> None:
    result = invoke("--data", photos)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "photos ×2, LR by bicubic reduction, 2 pictures" in " ".join(result.stderr.split())
    assert "lanczos" in result.stderr


def test_json_is_one_document(photos: Path) -> None:
    result = invoke("--data", photos, "--json", "--baselines", "bicubic")
    document = json.loads(result.stdout)
    assert [m["method"] for m in document["sets"][0]["methods"]] == ["bicubic"]
    assert document["sets"][0]["methods"][0]["pictures"] == 2


def test_output_holds_every_kind_of_file(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    result = invoke("--data", photos, "--output", out, "--panels", 1)
    assert result.exit_code == 0, result.output
    written = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    assert written == {
        "results.json",
        "results.csv",
        "pictures.csv",
        "results.md",
        "report.html",
        "photos-x2-lr-by-bicubic-reduction-psnr-over-time.png",
        "panels/photos-x2-lr-by-bicubic-reduction/001-ant.png",
        "photos-x2-lr-by-bicubic-reduction-comparison.png",
    }


def test_results_are_not_replaced_unasked(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("mine")
    refused = invoke("--data", photos, "--output", tmp_path, "--panels", 0)
    assert isinstance(refused.exception, OutputError)
    assert (tmp_path / "results.json").read_text() == "mine"
    assert invoke("--data", photos, "--output", tmp_path, "--panels", 0, "--overwrite").exit_code == 0
    assert json.loads((tmp_path / "results.json").read_text())["sets"]


def test_a_bad_picture_ends_in_exit_code_1(photos: Path) -> None:
    (photos / "bad.png").write_bytes(b"nothing")
    result = invoke("--data", photos, "--json")
    assert result.exit_code == 1
    assert "bad.png" in result.stderr
    assert json.loads(result.stdout)["sets"][0]["methods"][0]["pictures"] == 2


@pytest.mark.parametrize(("given", "precision"), [((), "fp32"), (("--precision", "auto"), "auto")])
def test_networks_are_compared_in_fp32_unless_asked(
    photos: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], precision: str
) -> None:
    asked: list[EvaluationRequest] = []
    monkeypatch.setattr(
        "srnet_cli.evaluation.run.run_evaluation", lambda request, *rest: asked.append(request)
    )
    assert invoke("--data", photos, *given).exit_code == 0
    assert [request.methods.engine.precision for request in asked] == [precision]
    assert MethodOptions().engine.precision == "fp32"


@pytest.mark.parametrize("arguments", [("--tile", 64, "--untiled"), ("--crop-size", 64)])
def test_contradictions_are_refused(photos: Path, arguments: tuple[object, ...]) -> None:
    assert isinstance(invoke("--data", photos, *arguments).exception, UsageError)


def test_mixtures_of_a_model_are_methods_of_their_own(photos: Path, tmp_path: Path) -> None:
    arguments = ("--data", photos, "--baselines", "bicubic", "--json", "--crisp", "0", "--crisp", "0.5")
    save_model(tmp_path / "model", tiny(), CARD)
    refused = invoke(*arguments, "--model", tmp_path / "model")
    assert isinstance(refused.exception, UsageError) and "crisp" in str(refused.exception)
    save_crisp(tmp_path / "model", tiny(seed=1), {})
    result = invoke(*arguments, "--model", tmp_path / "model")
    assert result.exit_code == 0, result.output
    methods = json.loads(result.stdout)["sets"][0]["methods"]
    assert [m["method"] for m in methods] == ["bicubic", "tiny", "tiny crisp 0.5"]


def test_a_released_name_is_no_folder_of_models(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for ``zoom``, whatever lies in the current folder."""
    save_model(tmp_path / "srnet-lite-x2" / "other", tiny(), CARD)
    monkeypatch.chdir(tmp_path)
    assert _members("srnet-lite-x2") == ["srnet-lite-x2"]
    assert [Path(name).name for name in _members(str(tmp_path / "srnet-lite-x2"))] == ["other"]


def test_a_scale_without_a_released_model_is_said(photos: Path) -> None:
    arguments = ["--data", str(photos), "--scale", "3", "--no-lpips"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "no released model enlarges ×3: only interpolations are measured" in result.stderr


def test_a_failed_evaluation_leaves_no_folder(photos: Path, tmp_path: Path) -> None:
    result = invoke("--data", tmp_path / "nowhere", "--output", tmp_path / "new" / "out")
    assert isinstance(result.exception, DataError)
    assert not (tmp_path / "new").exists()


def test_a_peer_that_is_not_there_needs_no_package(photos: Path, tmp_path: Path) -> None:
    result = invoke("--data", photos, "--peer", tmp_path / "nope.pth")
    assert "nope.pth: there is no such file" in str(result.exception)


def test_help_needs_no_torch() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "--degradation" in result.stdout


@pytest.mark.slow
def test_torchrun_measures_the_same(photos: Path, tmp_path: Path) -> None:
    for seed in (7, 8, 9):
        save(draw(seed), photos / f"more{seed}.png")
    (photos / "bad.png").write_bytes(b"nothing")
    script = tmp_path / "job.py"
    script.write_text(
        "import typer\nfrom srnet_cli.commands.eval import evaluate\n"
        "app = typer.Typer()\napp.command()(evaluate)\n"
        "app()\n"
    )
    documents = []
    for processes in (1, 2):
        out = tmp_path / str(processes)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(processes), str(script), "--data", str(photos), "--no-lpips"]
        command += ["--model", "bicubic", "--scale", "2", "--output", str(out), "--panels", "6"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert ended.returncode == 1, ended.stderr  # the bad picture
        assert ended.stderr.count("bad.png cannot") <= 2
        documents.append(json.loads((out / "results.json").read_text()))
        assert len(list(out.rglob("panels/*/*.png"))) == 5
    assert _timeless(documents[0]) == _timeless(documents[1])


def _timeless(document: Any) -> Any:
    """A document without times and memory, which differ from run to run."""
    if isinstance(document, dict):
        varying = ("seconds", "peak", "memory")
        return {k: _timeless(v) for k, v in document.items() if not k.startswith(varying)}
    return [_timeless(entry) for entry in document] if isinstance(document, list) else document


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_do_not_write_into_one_folder(photos: Path, tmp_path: Path, overwrite: bool) -> None:
    out = tmp_path / "out"
    asked = ("--data", photos, "--output", out, "--panels", 0, *(["--overwrite"] if overwrite else []))
    out.mkdir()
    with held_alone(out / LOCK_FILE, "is measuring"):
        second = invoke(*asked)
    assert isinstance(second.exception, UsageError)
    assert "another process is measuring in this folder" in str(second.exception)
    assert list(out.iterdir()) == []
    assert invoke(*asked).exit_code == 0
    assert (out / "results.json").is_file() and not (out / LOCK_FILE).exists()


def test_a_lock_of_results_is_no_other_file(photos: Path, tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).symlink_to(tmp_path / "elsewhere")
    refused = invoke("--data", photos, "--output", tmp_path, "--panels", 0)
    assert isinstance(refused.exception, OutputError) and "is no lock" in str(refused.exception)
    assert not (tmp_path / "elsewhere").exists()
