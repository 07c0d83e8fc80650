"""Measuring: figures, methods, failures, and the literature's anchors."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli import metrics
from srnet_cli.errors import MissingExtraError, UsageError, WeightsError
from srnet_cli.evaluation.measurement import EvaluationRequest, Watcher, evaluate
from srnet_cli.evaluation.methods import MethodOptions, NetworkMethod, load_catalogue
from srnet_cli.evaluation.metrics import METRICS, measure
from srnet_cli.evaluation.outputs.names import set_names
from srnet_cli.evaluation.outputs.tables import detail_table, quality_table
from srnet_cli.evaluation.results import SetResult
from srnet_cli.imaging.resize import matlab_bicubic, resize
from srnet_cli.zooming.engine import EngineOptions
from tests.evaluation.conftest import ALONE, draw, save

BICUBIC = MethodOptions(models=("bicubic",), interpolations=("bicubic",))


def run(request: EvaluationRequest) -> list[SetResult]:
    results = evaluate(replace(request, lpips=False, features=False), ALONE, Watcher())
    assert results is not None
    return results


def tiny(model: Path, **options: object) -> MethodOptions:
    engine = EngineOptions("cpu", "fp32")
    return MethodOptions(models=(str(model),), interpolations=("bicubic",), engine=engine, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "psnr", "ssim"), [("Set5", 28.42, 0.8104), ("Set14", 26.09, 0.705)])
def test_bicubic_agrees_with_the_literature(shared: Path, name: str, psnr: float, ssim: float) -> None:
    (result,) = run(EvaluationRequest((shared / "data" / "testsets" / name,), BICUBIC))
    (bicubic,) = result.summaries
    assert not result.failed
    assert bicubic.means["psnr_y"].value == pytest.approx(psnr, abs=0.02)
    assert bicubic.means["ssim_y"].value == pytest.approx(ssim, abs=0.001)


def test_figures_of_a_picture_are_those_of_the_metrics(photos: Path) -> None:
    (result,) = run(EvaluationRequest((photos,), BICUBIC, scales=(2,)))
    hr = draw(0)
    enlarged = resize(matlab_bicubic(hr, 48, 56), 96, 112, "bicubic")
    figures = result.pictures[0].measurements["bicubic"].figures
    assert result.pictures[0].name == "ant"
    assert figures["psnr_rgb"] == metrics.psnr_rgb(enlarged, hr, shave=8)
    assert figures["psnr_y"] == metrics.psnr_y(enlarged, hr, shave=2)
    assert figures["psnr_y_published"] == metrics.psnr_y_published(enlarged, hr, shave=2)
    assert figures["ssim"] == metrics.ssim(enlarged, hr)
    # The drawing has no flat areas, and too few blocks for statistics.
    assert set(figures) == {m.key for m in METRICS} - {"lpips", "feature_distance", "noise", "niqe"}


def test_equal_pictures_have_a_finite_psnr() -> None:
    hr = draw(0)
    figures = measure(hr, hr, 2)
    assert figures["psnr_rgb"] == 100.0
    assert np.isfinite(list(figures.values())).all()


def test_a_model_is_measured_beside_bicubic(photos: Path, tiny_model: Path) -> None:
    (result,) = run(EvaluationRequest((photos,), tiny(tiny_model)))
    bicubic, model = result.summaries
    assert (result.scale, bicubic.info.name, model.info.name) == (2, "bicubic", "tiny")
    assert bicubic.gains == {}
    assert bicubic.info.parameters is None
    assert model.info.parameters is not None and model.info.published_macs is not None
    expected = model.means["psnr_rgb"].value - bicubic.means["psnr_rgb"].value
    assert model.gains["psnr_rgb"].value == pytest.approx(expected)
    assert model.seconds > 0
    assert model.seconds_per_megapixel == pytest.approx(model.seconds / (48 * 56 / 1e6))


def test_macs_of_a_picture_are_those_of_its_tiles(tiny_model: Path) -> None:
    (method,) = (m for m in load_catalogue(tiny(tiny_model)).methods(2) if isinstance(m, NetworkMethod))
    assert method.published_macs is not None
    one = method.macs(16, 16)
    # 32-pixel tiles, 24 apart: nine for 56×56 pixels
    assert one is not None
    assert method.macs(56, 56) == 9 * one
    assert 4 * one < method.published_macs  # the auxiliary picture is not made


def test_untiled_is_the_network_on_the_bare_picture(tiny_model: Path) -> None:
    import torch

    (method,) = (
        m for m in load_catalogue(tiny(tiny_model, untiled=True)).methods(2) if isinstance(m, NetworkMethod)
    )
    lr = draw(0)[:40, :40]
    with torch.no_grad():
        sr = method.model.network(torch.from_numpy(lr).permute(2, 0, 1)[None].float()).sr
    direct = metrics.quantise(sr[0].permute(1, 2, 0).numpy()).astype(np.uint8)
    assert np.abs(method.run(lr).astype(int) - direct).max() <= 1
    assert method.run(draw(0)[:40, :33]).shape == (80, 66, 3)


def test_a_bad_picture_is_reported_and_the_rest_done(photos: Path) -> None:
    (photos / "bad.png").write_bytes(b"no picture")
    save(draw(1, 12, 12), photos / "tiny.png")
    (result,) = run(EvaluationRequest((photos,), BICUBIC, scales=(2,)))
    assert [p.name for p in result.failed] == ["bad", "tiny"]
    assert "bad.png" in result.failed[0].errors[0]
    assert [p.name for p in result.measured] == ["ant", "bee", "cat"]
    assert result.summaries[0].pictures == 3


def test_what_was_done_to_lr_is_said_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(draw(1), tmp_path / "set" / "HR" / f"{name}.png")
        save(draw(1), tmp_path / "set" / "LR" / f"{name}.png")
    (result,) = run(EvaluationRequest((tmp_path / "set",), BICUBIC, scales=(4,)))
    assert result.notes == ("LR pictures of HR's own size were reduced 4 times first",)


def test_a_method_that_fails_leaves_the_others(
    photos: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: NetworkMethod, lr: object) -> None:
        raise WeightsError("gave values that are no numbers")

    monkeypatch.setattr(NetworkMethod, "run", fail)
    (result,) = run(EvaluationRequest((photos,), tiny(tiny_model)))
    assert [s.info.name for s in result.summaries] == ["bicubic"]
    assert all(p.errors == ("tiny: gave values that are no numbers",) for p in result.pictures)


def test_limit_and_crop(photos: Path) -> None:
    (result,) = run(EvaluationRequest((photos,), BICUBIC, scales=(2,), limit=2, crop=64))
    assert [p.name for p in result.pictures] == ["ant", "bee"]
    assert (result.pictures[0].height, result.pictures[0].width) == (32, 32)


def test_every_degradation_and_scale_is_a_set_of_its_own(photos: Path) -> None:
    request = EvaluationRequest(
        (photos,), BICUBIC, scales=(2, 4), degradations=("bicubic", "camera"), limit=1
    )
    results = run(request)
    assert [(r.scale, r.origin) for r in results] == [
        (2, "LR by bicubic reduction"),
        (2, "LR by simulated camera 2"),
        (4, "LR by bicubic reduction"),
        (4, "LR by simulated camera 2"),
    ]
    names = set_names([(r.title, [p.name for p in r.pictures]) for r in results], 1)
    assert len({file for each in names for file in each.files}) == 12


def test_a_model_of_another_scale_is_refused(photos: Path, tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="tiny enlarges ×2"):
        run(EvaluationRequest((photos,), tiny(tiny_model), scales=(4,)))


def test_two_models_of_one_name_are_told_apart(tiny_model: Path) -> None:
    options = MethodOptions(models=(str(tiny_model), str(tiny_model)))
    names = [name for name, _ in load_catalogue(options).models]
    assert len(set(names)) == 2


def test_views_show_where_bicubic_loses_most(photos: Path) -> None:
    hr = draw(9, 200, 200)
    hr[:] = 128
    hr[150:170, 20:40] = np.random.default_rng(0).integers(0, 255, (20, 20, 3))
    save(hr, photos / "aaa.png")
    (result,) = run(EvaluationRequest((photos,), BICUBIC, scales=(2,), shown=1))
    view = result.pictures[0].view
    assert view is not None
    detail = view.detail
    assert detail.top <= 150 and detail.top + detail.height >= 170 and detail.left <= 20
    assert np.array_equal(view.closer(view.hr), hr[detail.slices])
    assert result.pictures[1].view is None


def test_lpips_that_cannot_be_had_is_noted_or_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(device: str) -> None:
        raise MissingExtraError("LPIPS needs the package 'lpips'")

    monkeypatch.setattr("srnet_cli.evaluation.measurement.Lpips", missing)
    notes: list[str] = []

    class Listening(Watcher):
        def note(self, sentence: str) -> None:
            notes.append(sentence)

    request = EvaluationRequest((photos,), BICUBIC, scales=(2,), limit=1, features=False)
    assert evaluate(request, ALONE, Listening()) is not None
    assert notes == ["no LPIPS: LPIPS needs the package 'lpips'"]
    with pytest.raises(MissingExtraError):
        evaluate(replace(request, lpips=True), ALONE, Watcher())


def test_lpips_stands_beside_the_others_and_lower_is_better(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def distance(result: NDArray[np.uint8], hr: NDArray[np.uint8]) -> float:
        return float(np.abs(result.astype(float) - hr).mean())

    monkeypatch.setattr("srnet_cli.evaluation.measurement.Lpips", lambda device: distance)
    both = MethodOptions(models=("bicubic", "nearest"), interpolations=("bicubic",))
    results = evaluate(EvaluationRequest((photos,), both, scales=(2,), features=False), ALONE, Watcher())
    assert results is not None
    nearest, bicubic = results[0].summaries
    assert bicubic.means["lpips"].value < nearest.means["lpips"].value
    table = quality_table(results[0])
    column = table.heads.index("LPIPS")
    assert [row[column].best for row in table.rows] == [False, True]


def test_the_feature_distance_is_optional_and_stands_in_the_table_of_detail(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srnet_cli.evaluation.measurement.FeatureDistance", lambda device: lambda a, b: 0.25)
    request = EvaluationRequest((photos,), BICUBIC, scales=(2,), limit=1, lpips=False)
    results = evaluate(request, ALONE, Watcher())
    assert results is not None and results[0].summaries[0].means["feature_distance"].value == 0.25
    table = detail_table(results[0])
    assert table.rows[0][table.heads.index("feature distance")].text == "0.250"
    assert "feature distance" not in quality_table(results[0]).heads
    notes: list[str] = []

    class Listening(Watcher):
        def note(self, sentence: str) -> None:
            notes.append(sentence)

    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    assert evaluate(request, ALONE, Listening()) is not None
    (note,) = notes
    assert note.startswith("no feature distance") and "pip install" in note
    with pytest.raises(MissingExtraError):
        evaluate(replace(request, features=True), ALONE, Watcher())


def test_a_figure_that_a_picture_does_not_have_is_left_out_of_the_mean(tmp_path: Path) -> None:
    """One picture has a strong edge and is large enough for grids, the other not."""
    save(draw(0), tmp_path / "edges.png")
    flat = np.full((64, 64, 3), 99, np.uint8)
    flat[::9, ::7] = 105
    save(flat, tmp_path / "flat.png")
    (result,) = run(EvaluationRequest((tmp_path,), MethodOptions(models=("bicubic", "lanczos")), scales=(2,)))
    halos = {p.name: p.measurements["lanczos"].figures.get("halo") for p in result.pictures}
    assert halos["flat"] is None and halos["edges"] is not None
    for summary in result.summaries:
        assert summary.means["halo"].count == 1 and summary.means["psnr_rgb"].count == 2
    lanczos = next(s for s in result.summaries if s.info.name == "lanczos")
    assert lanczos.means["halo"].value == halos["edges"] and lanczos.gains["halo"].count == 1


def test_a_peer_without_the_extra_is_explained(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.pth").touch()
    with pytest.raises((MissingExtraError, WeightsError), match=r"spandrel|no checkpoint"):
        run(EvaluationRequest((photos,), MethodOptions(peers=(tmp_path / "empty.pth",))))
