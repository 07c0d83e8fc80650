"""Whole jobs, JPEG in and file out: which share of the time is the network, and what memory they take."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.forms import Settings, load_network, peak_mb, sample
from srnet_cli.compute import cuda
from srnet_cli.network.blocks import NetworkOutput


@dataclass(frozen=True)
class JobResult:
    """Seconds and megabytes of one job."""

    megapixels: float
    suffix: str
    total_s: float
    #: reading and decoding the input
    decode_s: float
    #: inside the network
    network_s: float
    #: from the start of the process (imports included) to the end of the first tile
    first_tile_s: float
    peak_mb: float
    output_mb: float

    @property
    def other_share(self) -> float:
        """Share of the time in which the network waits: decoding, blending, encoding that is not hidden."""
        return 1 - self.network_s / self.total_s


class _Timed(nn.Module):
    """A network that adds up the time spent in it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.seconds = 0.0
        self.first_end = 0.0

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        begin = time.perf_counter()
        output: NetworkOutput = self.network(lr, residual)
        cuda.synchronise(lr.device)
        end = time.perf_counter()
        self.seconds += end - begin
        self.first_end = self.first_end or end
        return output


def run_job(megapixels: float, suffix: str, settings: Settings) -> JobResult:
    """Zoom a picture of ``megapixels`` ×4 into a file with ``suffix``, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        source = _picture(Path(folder), megapixels)
        arguments = (far, time.time(), megapixels, source, suffix, settings)
        process = context.Process(target=_zoom, args=arguments, daemon=True)
        process.start()
        far.close()
        result: JobResult = near.recv()
        process.join()
    return result


def _picture(folder: Path, megapixels: float) -> Path:
    import cv2

    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    tile = sample(512, 1)[0].permute(1, 2, 0).byte().numpy()
    width = round(height * 1.5)
    repeats = (-(-height // 512), -(-width // 512))
    pixels = cv2.repeat(tile, *repeats)[:height, :width]
    path = folder / "source.jpg"
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return path


def _zoom(
    connection: Connection, begun: float, megapixels: float, source: Path, suffix: str, settings: Settings
) -> None:
    from srnet_cli.compute.allocator import keep_large_blocks

    keep_large_blocks()
    from srnet_cli.imaging import WriteOptions, read_picture
    from srnet_cli.models.card import Card
    from srnet_cli.models.store import LoadedModel, load_model
    from srnet_cli.zooming.engine import Engine, EngineOptions
    from srnet_cli.zooming.frame import plan_frame
    from srnet_cli.zooming.pipeline import zoom_to_file

    # Clocks of two processes share only wall time.
    since_start = time.time() - begun
    started = time.perf_counter()
    torch.set_num_threads(settings.threads)
    model = (
        LoadedModel(load_network(None), Card("untrained", "srnet", 4), Path())
        if settings.model is None
        else load_model(settings.model)
    )
    engine = Engine(model, EngineOptions(device=settings.device, tile=settings.tile))
    timed = _Timed(engine.network)
    engine.network = timed
    begin = time.perf_counter()
    picture = read_picture(source)
    decoded = time.perf_counter()
    height, width = picture.pixels.shape[:2]
    frame = plan_frame(height, width, engine.scale)
    target = source.with_name(f"result{suffix}")
    zoom_to_file(picture, frame, [engine], target, WriteOptions())
    end = time.perf_counter()
    connection.send(
        JobResult(
            megapixels=megapixels,
            suffix=suffix,
            total_s=end - started + since_start,
            decode_s=decoded - begin,
            network_s=timed.seconds,
            first_tile_s=timed.first_end - started + since_start,
            peak_mb=peak_mb(torch.device("cpu")),
            output_mb=frame.height * frame.width * 3 / 2**20,
        )
    )
