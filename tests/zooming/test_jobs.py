from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from srnet_cli.errors import UsageError
from srnet_cli.imaging import Picture, write_picture
from srnet_cli.zooming.jobs import plan_jobs


def touch(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def targets(folder: Path, *args: object, **kwargs: object) -> list[str]:
    plan = plan_jobs(*args, **kwargs)  # type: ignore[arg-type]
    return [str(job.target.relative_to(folder)) for job in plan.jobs if job.target is not None]


def test_default_names_lie_beside_their_input(tmp_path: Path) -> None:
    inputs = touch(tmp_path, "a.jpg", "b.ARW", "c.bmp", "d.PNG")
    expected = ["a_x4.jpg", "b_x4.tif", "c_x4.png", "d_x4.PNG"]
    assert targets(tmp_path, inputs, None, "x4") == expected


def test_a_format_decides_the_suffix(tmp_path: Path) -> None:
    inputs = touch(tmp_path, "a.jpg", "b.ARW")
    assert targets(tmp_path, inputs, None, "x2", "avif") == ["a_x2.avif", "b_x2.avif"]


def test_same_stems_do_not_collide(tmp_path: Path) -> None:
    inputs = touch(tmp_path / "in", "a.jpg", "a.png", "b.png")
    found = targets(tmp_path, inputs, tmp_path / "out", "x4", "png")
    assert found == ["out/a_jpg_x4.png", "out/a_png_x4.png", "out/b_x4.png"]


def test_a_folders_tree_is_mirrored(tmp_path: Path) -> None:
    touch(tmp_path / "in", "a.jpg", "deep/er/b.png", "notes.txt")
    found = targets(tmp_path, [tmp_path / "in"], tmp_path / "out", "x4", recursive=True)
    assert found == ["out/a_x4.jpg", "out/deep/er/b_x4.png"]
    assert targets(tmp_path, [tmp_path / "in"], tmp_path / "out", "x4") == ["out/a_x4.jpg"]


def test_results_of_an_earlier_run_are_not_zoomed_again(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b_x4.png")
    picture = Picture(np.zeros((4, 4, 3), np.uint8))
    made = [tmp_path / f"a_{end}" for end in ("x2.jpg", "x4_camera.png", "x2_entropy.tif", "residual.webp")]
    for path in made:
        write_picture(picture, path)
    plan = plan_jobs([tmp_path], None, "x4")
    assert [job.source.name for job in plan.jobs] == ["a.jpg", "b_x4.png"]
    assert set(plan.passed_over) == set(made)
    plan = plan_jobs([tmp_path, made[0]], None, "x4")
    assert [job.source.name for job in plan.jobs] == ["a.jpg", "a_x2.jpg", "b_x4.png"]


def test_what_a_result_would_replace_is_an_input_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "a_x4.png")
    plan = plan_jobs([tmp_path], None, "x4")
    assert [job.error is None for job in plan.jobs] == [False, True]


def test_a_heatmap_never_replaces_an_input(tmp_path: Path) -> None:
    inputs = touch(tmp_path, "a.png", "a_x2_residual.png")
    assert all(job.error is None for job in plan_jobs(inputs, None, "x2").jobs)
    plan = plan_jobs(inputs, None, "x2", heatmap=True)
    assert ["another input" in str(job.error) for job in plan.jobs] == [True, False]
    assert plan.jobs[1].heatmaps == (
        tmp_path / "a_x2_residual_x2_residual.png",
        tmp_path / "a_x2_residual_x2_entropy.png",
    )


def test_a_link_or_a_hard_link_to_an_input_is_the_input(tmp_path: Path) -> None:
    (file,) = touch(tmp_path, "in/a.png")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    (tmp_path / "hard.png").hardlink_to(file)
    for target in (tmp_path / "link/a.png", tmp_path / "hard.png", tmp_path / "in/../in/a.png"):
        (job,) = plan_jobs([file], target, "x4").jobs
        assert "its own input" in str(job.error)


def test_a_picture_given_twice_is_done_once(tmp_path: Path) -> None:
    (file,) = touch(tmp_path, "a.jpg")
    jobs = plan_jobs([file, tmp_path / "." / "a.jpg", tmp_path], None, "x4").jobs
    assert len(jobs) == 1


def test_a_symlink_loop_ends(tmp_path: Path) -> None:
    touch(tmp_path / "in", "a.jpg")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    assert targets(tmp_path, [tmp_path / "in"], tmp_path / "out", "x4", recursive=True) == ["out/a_x4.jpg"]


def test_what_is_not_there_is_a_failed_job(tmp_path: Path) -> None:
    (file,) = touch(tmp_path, "a.jpg")
    jobs = plan_jobs([tmp_path / "gone.jpg", file], None, "x4").jobs
    assert [job.error is not None for job in jobs] == [False, True]


def test_a_result_never_replaces_its_input(tmp_path: Path) -> None:
    (file,) = touch(tmp_path, "a.png")
    (job,) = plan_jobs([file], file, "x4").jobs
    assert job.error is not None
    assert "replace its own input" in str(job.error)


def test_several_pictures_into_one_file_are_refused(tmp_path: Path) -> None:
    inputs = touch(tmp_path, "a.jpg", "b.jpg")
    with pytest.raises(UsageError, match="one file"):
        plan_jobs(inputs, tmp_path / "out.png", "x4")


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (job,) = plan_jobs([tmp_path / "in"], None, "x4").jobs
    assert "no picture" in str(job.error)


@pytest.mark.parametrize(
    ("name", "result"),
    [("a.jfif", "a_x2.jfif"), ("a.mpo", "a_x2.jpg"), ("a.dib", "a_x2.png"), ("a.gif", "a_x2.png")],
)
def test_variants_of_formats_are_found_in_folders(tmp_path: Path, name: str, result: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    (tmp_path / "._a.png").write_bytes(b"x")
    (job,) = plan_jobs([tmp_path], None, "x2").jobs
    assert job.target == tmp_path / result


@pytest.mark.parametrize("name", ["photo[1].png", "photo[12].png"])
def test_a_numbered_download_is_no_pattern(tmp_path: Path, name: str) -> None:
    """Where it is missing, another picture is not taken for it."""
    touch(tmp_path, "photo1.png", "photo2.png")
    (job,) = plan_jobs([tmp_path / name], None, "x4").jobs
    assert job.source == tmp_path / name
    for pattern in ("photo[1-2].png", "photo[12].p*", "photo?.png"):
        assert len(plan_jobs([tmp_path / pattern], None, "x4").jobs) == 2
