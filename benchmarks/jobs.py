"""``python -m benchmarks.jobs``: whole jobs, JPEG in and file out, against what their network alone needs.

The network's share is its seconds per megapixel, measured in the same process just after the job on one of
the job's tiles, times the megapixels of the picture: nothing computed twice, nothing else done. Ratios to it
come first and mean more than seconds; that of processor seconds also holds on a machine with other work.
Processor seconds are those of the stage's own thread; of stages that torch spreads over threads, times their
number. ``--busy 2`` keeps two other processes busy meanwhile.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.forms import Settings, load_network, peak_mb, sample
from benchmarks.machine import load_per_core, machine_facts
from benchmarks.record import record
from srnet_cli.compute import cuda

if TYPE_CHECKING:
    from srnet_cli.zooming.engine import Engine

#: what a job is made of: its name, whether torch's threads share it, and the calls of which it is the time
STAGES: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    ("decode", False, ("imaging.read_picture",)),
    ("cut", False, ("zooming.engine._stacked",)),
    ("network", True, ("zooming.engine.Engine._run",)),
    ("blend", True, ("zooming.engine.Canvas.place", "zooming.engine.Canvas.finish")),
    ("colours", True, ("zooming.engine.ColourTie.push",)),
    ("reduce", True, ("zooming.pipeline.AreaReducer.push",)),
    ("round", True, ("zooming.pipeline.to_samples",)),
    (
        "encode",
        False,
        (
            "imaging.write.StripWriter.write_rows",
            "imaging.write.StripWriter.finish",
            "imaging.codecs.tiff_write._deflated_strip",
            "imaging.codecs.png_write._deflated_block",
            "imaging.codecs.jpeg_write._encoded",
        ),
    ),
)
#: runs of one tile after a job, of which the fastest counts
SHARE_RUNS = 3


@dataclass(frozen=True)
class JobResult:
    """Seconds and megabytes of one job."""

    megapixels: float
    suffix: str
    model: str
    #: from the start of the process, imports included
    total_s: float
    #: from the picture's bytes to the end of the file
    job_s: float
    #: processor seconds of the whole process in that time
    processor_s: float
    #: the network alone for each pixel of the picture, once: wall seconds
    share_s: float
    #: the same in processor seconds
    share_processor_s: float
    #: pixels that the network computed over pixels of the picture
    computed: float
    #: wall and processor seconds of each stage; those of other threads run beside the network
    wall: dict[str, float]
    processor: dict[str, float]
    #: from the start of the process (imports included) to the end of the first tile
    first_tile_s: float
    peak_mb: float
    output_mb: float

    @property
    def decode_s(self) -> float:
        """Seconds of reading and decoding the input."""
        return self.wall["decode"]

    @property
    def network_s(self) -> float:
        """Seconds inside the network."""
        return self.wall["network"]

    @property
    def ratio(self) -> float:
        """The job over the network's share."""
        return self.job_s / self.share_s

    @property
    def processor_ratio(self) -> float:
        """The job's processor seconds over those of the network's share."""
        return self.processor_s / self.share_processor_s

    @property
    def other_share(self) -> float:
        """Share of the time in which the network waits: decoding, blending, encoding that is not hidden."""
        return 1 - self.network_s / self.job_s

    @property
    def twice_s(self) -> float:
        """Of the network's seconds, those for pixels computed before, or outside the picture."""
        return self.network_s * (1 - 1 / self.computed)


@dataclass
class _Clock:
    """Sums of the stages' seconds, taken by standing in for the functions that do them."""

    device: torch.device
    wall: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    first_end: float = 0.0

    def install(self, threads: int) -> None:
        """Replace the functions of all stages by timed ones."""
        for name, shared, places in STAGES:
            self.wall[name] = self.processor[name] = 0.0
            for place in places:
                self._replace(name, place, threads if shared else 1)

    def _replace(self, name: str, place: str, threads: int) -> None:
        from importlib import import_module

        parts = place.split(".")
        owner: Any = None
        for count in range(len(parts) - 1, 0, -1):
            try:
                owner = import_module("srnet_cli." + ".".join(parts[:count]))
                break
            except ModuleNotFoundError:
                continue
        for part in parts[count:-1]:
            owner = getattr(owner, part, None)
        function: Callable[..., Any] | None = getattr(owner, parts[-1], None)
        if function is not None:
            setattr(owner, parts[-1], self._timed(name, function, threads))

    def _timed(self, name: str, function: Callable[..., Any], threads: int) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            begin, own = time.perf_counter(), time.thread_time()
            result = function(*arguments, **named)
            if name == "network":
                cuda.synchronise(self.device)
            self.wall[name] += time.perf_counter() - begin
            self.processor[name] += (time.thread_time() - own) * threads
            if name == "network" and not self.first_end:
                self.first_end = time.perf_counter()
            return result

        return call


def run_job(megapixels: float, suffix: str, settings: Settings, source: Path | None = None) -> JobResult:
    """Zoom a picture of ``megapixels`` ×4 into a file with ``suffix``, in a fresh process.

    The picture is drawn, or the one in ``source``, repeated.
    """
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        picture = drawn_picture(Path(folder), megapixels, source)
        arguments = (far, time.time(), megapixels, picture, suffix, settings)
        process = context.Process(target=_zoom, args=arguments, daemon=True)
        process.start()
        far.close()
        result: JobResult = near.recv()
        process.join()
    return result


def drawn_picture(folder: Path, megapixels: float, source: Path | None) -> Path:
    """Write a JPEG of that size, drawn or made of a photograph that is repeated."""
    import cv2

    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    tile: Any = (
        sample(512, 1)[0].permute(1, 2, 0).byte().numpy() if source is None else cv2.imread(str(source))
    )
    width = round(height * 1.5)
    repeats = (-(-height // tile.shape[0]), -(-width // tile.shape[1]))
    pixels = cv2.repeat(tile, *repeats)[:height, :width]
    path = folder / "source.jpg"
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return path


def _zoom(
    connection: Connection, begun: float, megapixels: float, source: Path, suffix: str, settings: Settings
) -> None:
    from srnet_cli.compute.allocator import keep_large_blocks

    keep_large_blocks()
    from srnet_cli import imaging
    from srnet_cli.models.card import Card
    from srnet_cli.models.store import LoadedModel, load_model
    from srnet_cli.zooming import pipeline
    from srnet_cli.zooming.engine import Engine, EngineOptions
    from srnet_cli.zooming.frame import plan_frame

    # Clocks of two processes share only wall time.
    since_start = time.time() - begun
    started = time.perf_counter()
    torch.set_num_threads(settings.threads)
    model = (
        LoadedModel(load_network(None), Card("untrained", "srnet", 4), Path())
        if settings.model is None
        else load_model(settings.model)
    )
    engine = Engine(model, EngineOptions(device=settings.device, tile=settings.tile or None))
    clock = _Clock(engine.device)
    clock.install(settings.threads)
    begin, processor = time.perf_counter(), time.process_time()
    picture = imaging.read_picture(source)
    frame = plan_frame(picture.height, picture.width, engine.scale)
    target = source.with_name(f"result{suffix}")
    pipeline.zoom_to_file(picture, frame, [engine], target, imaging.WriteOptions())
    end, processor = time.perf_counter(), time.process_time() - processor
    # Before the share is measured, which runs the network once more.
    stages_wall, stages_processor = dict(clock.wall), dict(clock.processor)
    share, share_processor = _share(engine, picture.height, picture.width)
    connection.send(
        JobResult(
            megapixels=megapixels,
            suffix=suffix,
            model=engine.card.name,
            total_s=end - started + since_start,
            job_s=end - begin,
            processor_s=processor,
            share_s=share,
            share_processor_s=share_processor,
            computed=engine.computed(engine.grid(frame.region)) / (picture.height * picture.width),
            wall=stages_wall,
            processor=stages_processor,
            first_tile_s=clock.first_end - started + since_start,
            peak_mb=peak_mb(torch.device("cpu")),
            output_mb=frame.height * frame.width * 3 / 2**20,
        )
    )


def _share(engine: Engine, height: int, width: int) -> tuple[float, float]:
    """Measure the network on one of the job's tiles, and scale it to the picture with nothing twice.

    Returns wall and processor seconds.
    """
    from srnet_cli.imaging.boxes import Box

    grid = engine.grid(Box(0, 0, height, width))
    inside = engine.inside is not None and grid.discard == engine.radius
    tile = sample(max(grid.height, grid.width), 1)[:, :, : grid.height, : grid.width]
    batch = tile.permute(0, 2, 3, 1).byte().contiguous()
    runs = []
    for _ in range(SHARE_RUNS):
        begin, processor = time.perf_counter(), time.process_time()
        engine._run(batch, False, inside)
        cuda.synchronise(engine.device)
        runs.append((time.perf_counter() - begin, time.process_time() - processor))
    each = engine.computed(grid) / (grid.rows * grid.columns)
    wall, spent = (min(seconds) / each * height * width for seconds in zip(*runs, strict=True))
    return wall, spent


def table(jobs: Sequence[JobResult]) -> str:
    """Write the jobs in Markdown: ratios, then seconds."""
    names = [name for name, _, _ in STAGES]
    heads = [
        "input",
        "output",
        "model",
        "job / share",
        "in processor seconds",
        "computed / picture",
        "not the network",
        "job s",
    ]
    heads += ["share s", "twice s", "processor s", *(f"{name} s (processor)" for name in names)]
    heads += ["first tile s", "peak MB"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for j in jobs:
        stages = [f"{j.wall[name]:.2f} ({j.processor[name]:.2f})" for name in names]
        cells = [
            f"{j.megapixels:g} MP",
            j.suffix,
            j.model,
            f"{j.ratio:.2f}",
            f"{j.processor_ratio:.2f}",
            f"{j.computed:.3f}",
        ]
        cells += [f"{100 * j.other_share:.0f} %", f"{j.job_s:.1f}", f"{j.share_s:.1f}", f"{j.twice_s:.1f}"]
        cells += [f"{j.processor_s:.1f}", *stages, f"{j.first_tile_s:.2f}", f"{j.peak_mb:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spin() -> None:
    while True:
        sum(range(100_000))


@contextmanager
def _beside(busy: int) -> Iterator[None]:
    """Keep so many other processes busy."""
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_spin, daemon=True) for _ in range(busy)]
    for process in others:
        process.start()
    try:
        yield
    finally:
        for process in others:
            process.terminate()
            process.join()


def main() -> None:
    arguments = _arguments()
    threads = arguments.threads or torch.get_num_threads()
    device = "cuda" if cuda.count() else "cpu"
    facts = machine_facts(torch.device(device)) | {"threads": threads, "busy": arguments.busy}
    facts |= {"load_per_core": load_per_core(), "date": datetime.now(UTC).date().isoformat()}
    jobs = []
    with _beside(arguments.busy):
        for model in arguments.models:
            settings = Settings(device=device, threads=threads, tile=0, batch=1, model=model)
            for megapixels in arguments.megapixels:
                for suffix in arguments.suffixes:
                    print(f"{model}, {megapixels:g} MP, {suffix}", file=sys.stderr)
                    runs = [
                        run_job(megapixels, suffix, settings, arguments.source)
                        for _ in range(arguments.repeats)
                    ]
                    middle = statistics.median_low(run.ratio for run in runs)
                    jobs.append(next(run for run in runs if run.ratio == middle))
    text = table(jobs)
    print(text)
    if arguments.save:
        figures = [asdict(job) | {"ratio": job.ratio, "other_share": job.other_share} for job in jobs]
        heading = "\n".join(f"* {name.replace('_', ' ')}: {value}" for name, value in facts.items())
        record(arguments.save, {"machine": facts, "jobs": figures}, f"# Whole jobs\n\n{heading}\n\n{text}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 6], help="sizes of the input")
    parser.add_argument(
        "--suffixes", nargs="+", default=[".png", ".tif", ".jpg"], help="formats of the output"
    )
    parser.add_argument("--models", nargs="+", default=["srnet-lite-x4", "srnet-x4"], help="names or paths")
    parser.add_argument("--source", type=Path, help="a photograph to make the inputs of; else they are drawn")
    parser.add_argument("--threads", type=int, help="CPU threads (PyTorch's own choice)")
    parser.add_argument("--busy", type=int, default=0, help="other processes to keep busy meanwhile")
    parser.add_argument(
        "--repeats", type=int, default=1, help="runs of each job, of which the middle one counts"
    )
    parser.add_argument("--save", metavar="NAME", help="also write benchmarks/results/NAME.md and .json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
