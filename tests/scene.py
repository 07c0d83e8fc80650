"""The scene of the sample capture: a test chart standing in a landscape, rendered, in linear light."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas = NDArray[np.float32]

_OVERSAMPLING = 4
#: classic colour checker, sRGB
_PATCHES = (
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170),
    (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46),
    (56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161),
    (243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52),
)  # fmt: skip
_LINES = (
    ("SRNET TEST CAPTURE", 1.0),
    ("Zoom in and read these lines: 0123456789", 0.62),
    ("the quick brown fox jumps over the lazy dog", 0.5),
    ("sphinx of black quartz, judge my vow  +-*/=%", 0.4),
)


def sample_scene(height: int = 320, width: int = 480, seed: int = 7) -> NDArray[np.float64]:
    """Render the scene: H×W×3 linear sRGB, 0..1, the same on every call."""
    generator = np.random.default_rng(seed)
    canvas = np.zeros((height * _OVERSAMPLING, width * _OVERSAMPLING, 3), np.float32)
    _paint_sky(canvas, generator)
    _paint_hills(canvas, generator)
    _paint_meadow(canvas, generator)
    _paint_house(canvas)
    _paint_tree(canvas, generator)
    _paint_chart(canvas)
    linear = srgb_to_linear(canvas)
    # The blur of lens and anti-aliasing filter, then the area of a pixel.
    blurred = cv2.GaussianBlur(linear, (0, 0), 0.6 * _OVERSAMPLING)
    small = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(small, 0.0, 1.0), dtype=np.float64)


def srgb_to_linear(encoded: NDArray[np.floating]) -> Canvas:
    """Undo the sRGB curve (IEC 61966-2-1); both 0..1."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def _colour(*rgb: int) -> tuple[float, float, float]:
    return (rgb[0] / 255, rgb[1] / 255, rgb[2] / 255)


def _cloud_noise(height: int, width: int, generator: np.random.Generator, octaves: int) -> Canvas:
    """Fractal noise, 0..1, with detail of half the strength at each finer octave."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = 3 * 2**octave
        grid = generator.random((cells, cells * width // height + 1)).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low)


def _paint_sky(canvas: Canvas, generator: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, horizon = np.array(_colour(72, 128, 196)), np.array(_colour(190, 214, 232))
    canvas[:] = top + (horizon - top) * np.minimum(down * 2.0, 1.0)
    cover = np.clip(_cloud_noise(height, width, generator, 5) * 2.2 - 1.15, 0, 1)[..., None]
    canvas[:] = canvas * (1 - 0.8 * cover) + 0.8 * cover * np.array(_colour(246, 246, 248))


def _paint_hills(canvas: Canvas, generator: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    along = np.linspace(0, 1, width)
    rows = np.arange(height)[:, None]
    for base, swing, colour in ((0.47, 0.05, (122, 148, 170)), (0.52, 0.03, (86, 116, 104))):
        phase = generator.uniform(0, 6.28, 3)
        ridge = base + swing * sum(np.sin(along * f + p) / f for f, p in zip((5, 11, 23), phase, strict=True))
        canvas[rows > ridge * height] = _colour(*colour)


def _paint_meadow(canvas: Canvas, generator: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    start = int(0.6 * height)
    blades = 9000
    canvas[start:] = _colour(62, 92, 40)
    ys = np.sort(generator.uniform(start, height * 1.03, blades))
    for y in ys:
        depth = (y - start) / (height - start)
        length = 6 + 34 * depth
        x = generator.uniform(0, width)
        tip = (int(x + generator.normal(0, 0.35) * length), int(y - length))
        shade = generator.uniform(0.6, 1.35)
        colour = np.clip(np.array(_colour(98, 140, 54)) * shade * generator.uniform(0.85, 1.15, 3), 0, 1)
        cv2.line(canvas, (int(x), int(y)), tip, colour.tolist(), 1 + int(2 * depth), cv2.LINE_AA)


def _paint_house(canvas: Canvas) -> None:
    height, width = canvas.shape[:2]
    left, right, top, bottom = (
        round(width * 0.70),
        round(width * 0.985),
        round(height * 0.30),
        round(height * 0.68),
    )
    canvas[top:bottom, left:right] = _colour(176, 98, 74)
    brick_height, brick_width = 16, 44
    for row, y in enumerate(range(top, bottom, brick_height)):
        canvas[y : y + 2, left:right] = _colour(206, 190, 172)
        for x in range(left + (row % 2) * brick_width // 2, right, brick_width):
            canvas[y : min(y + brick_height, bottom), x : min(x + 2, right)] = _colour(206, 190, 172)
    roof = np.array([(left - 30, top), (right + 30, top), ((left + right) // 2, top - 170)])
    cv2.fillPoly(canvas, [roof], _colour(92, 62, 58), cv2.LINE_AA)
    for column in range(3):
        x = left + 50 + column * 175
        canvas[top + 60 : top + 230, x : x + 110] = _colour(238, 236, 228)
        canvas[top + 70 : top + 220, x + 10 : x + 100] = _colour(54, 72, 88)
        canvas[top + 70 : top + 220, x + 52 : x + 58] = _colour(238, 236, 228)
        canvas[top + 142 : top + 148, x + 10 : x + 100] = _colour(238, 236, 228)


def _paint_tree(canvas: Canvas, generator: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    centre = np.array((0.13 * width, 0.38 * height))
    trunk = np.array([(centre[0] - 26, 0.68 * height), (centre[0] + 26, 0.68 * height), tuple(centre)])
    cv2.fillPoly(canvas, [trunk.astype(np.int32)], _colour(74, 56, 42), cv2.LINE_AA)
    for _ in range(3600):
        angle, radius = generator.uniform(0, 2 * np.pi), np.sqrt(generator.random())
        place = centre + radius * np.array((np.cos(angle) * 0.125 * width, np.sin(angle) * 0.24 * height))
        # Lit from the upper left.
        light = (
            1.0
            - 0.35 * (place[0] - centre[0]) / (0.125 * width)
            - 0.35 * (place[1] - centre[1]) / (0.24 * height)
        )
        colour = np.array(_colour(74, 112, 48)) * np.clip(light, 0.35, 1.7) * generator.uniform(0.6, 1.3)
        axes = (int(generator.uniform(8, 16)), int(generator.uniform(4, 8)))
        cv2.ellipse(
            canvas,
            (int(place[0]), int(place[1])),
            axes,
            float(generator.uniform(0, 180)),
            0,
            360,
            np.clip(colour, 0, 1).tolist(),
            -1,
            cv2.LINE_AA,
        )


def _paint_chart(canvas: Canvas) -> None:
    height, width = canvas.shape[:2]
    left, right, top, bottom = (
        round(width * 0.27),
        round(width * 0.68),
        round(height * 0.33),
        round(height * 0.93),
    )
    for leg in (left + 90, right - 110):
        canvas[bottom : height - 20, leg : leg + 22] = _colour(70, 52, 38)
    canvas[top - 12 : bottom + 12, left - 12 : right + 12] = _colour(40, 38, 36)
    board = canvas[top:bottom, left:right]
    board[:] = _colour(232, 231, 226)
    _paint_star(board, centre=(165, 170), radius=140, spokes=36)
    _paint_gratings(board, left=340, top=40)
    _paint_slanted_edge(board, left=640, top=40, size=130)
    baseline = 366
    for text, size in _LINES:
        _write_text(board, text, (24, baseline), 1.55 * size)
        baseline += round((46 if size == 1.0 else 64) * size)
    _paint_patches(board, top=board.shape[0] - 260)


def _write_text(board: Canvas, text: str, place: tuple[int, int], size: float) -> None:
    # OpenCV writes text on 8-bit pictures only.
    ink = np.zeros(board.shape[:2], np.uint8)
    cv2.putText(ink, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 2 if size < 1.2 else 4, cv2.LINE_AA)
    cover = ink[..., None].astype(np.float32) / 255
    board[:] = board * (1 - cover) + np.array(_colour(24, 24, 26), np.float32) * cover


def _paint_star(board: Canvas, centre: tuple[int, int], radius: int, spokes: int) -> None:
    y, x = np.mgrid[: board.shape[0], : board.shape[1]]
    dx, dy = x - centre[0], y - centre[1]
    dark = (np.floor(np.arctan2(dy, dx) / np.pi * spokes) % 2 == 0) & (np.hypot(dx, dy) < radius)
    board[dark] = _colour(24, 24, 26)


def _paint_gratings(board: Canvas, left: int, top: int) -> None:
    """Bars of falling width, upright above and lying below: 8 to 2.5 output pixels a pair."""
    x = left
    for pair in (32, 24, 16, 12, 10):
        for bar in range(0, 48, pair):
            board[top : top + 130, x + bar : x + bar + pair // 2] = _colour(24, 24, 26)
            board[top + 150 + bar : top + 150 + bar + pair // 2, x : x + 48] = _colour(24, 24, 26)
        x += 58


def _paint_slanted_edge(board: Canvas, left: int, top: int, size: int) -> None:
    corners = ((12, 0), (size, 12), (size - 12, size), (0, size - 12))
    square = np.array([(left + x, top + y) for x, y in corners])
    cv2.fillPoly(board, [square.astype(np.int32)], _colour(30, 30, 32), cv2.LINE_AA)


def _paint_patches(board: Canvas, top: int) -> None:
    columns, gap = 6, 6
    size_x = (board.shape[1] - 48) // columns
    size_y = 236 // 4
    for index, colour in enumerate(_PATCHES):
        row, column = divmod(index, columns)
        y, x = top + row * size_y, 24 + column * size_x
        board[y : y + size_y - gap, x : x + size_x - gap] = _colour(*colour)
