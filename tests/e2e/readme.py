"""The pictures of the README: some of those that the tour leaves, made small."""

from pathlib import Path

from PIL import Image

_FOLDER = Path("docs/pictures")
_CHOSEN = {
    "discovery": "sees_the_other_discovered",
    "meter": "opens_a_meter",
    "energy": "sees_a_year_of_bars",
}
_SIZE = (1280, 800)
_COLOURS = 128


def keep(folder: Path) -> None:
    """Save the chosen pictures of a tour for the README."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    for name, step in _CHOSEN.items():
        (source,) = folder.glob(f"[0-9]*-{step}.png")
        with Image.open(source) as image:
            small = image.convert("RGB").resize(_SIZE, Image.Resampling.LANCZOS)
        small.quantize(_COLOURS).save(_FOLDER / f"{name}.png", optimize=True)
