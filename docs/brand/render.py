# /// script
# requires-python = ">=3.11"
# dependencies = ["pillow==12.3.0", "resvg-py==0.5.0"]
# ///
"""Renders the drawings beside this file to the images that Home Assistant shows."""

from io import BytesIO
from pathlib import Path

from PIL import Image
import resvg_py

HERE = Path(__file__).parent
BRAND = HERE.parents[1] / "custom_components" / "cemm" / "brand"
# File name suffix -> height in pixels, as Home Assistant's brand rules ask.
SIZES = {"": 256, "@2x": 512}


def render(svg: str, style: str | None, height: int, target: Path) -> None:
    """Write one drawing as a PNG file of that height, without needless bytes."""
    png = resvg_py.svg_to_bytes(svg_string=svg, height=height, style_sheet=style)
    Image.open(BytesIO(bytes(png))).save(target, optimize=True)


def main() -> None:
    """Write every drawing in both themes and both sizes."""
    BRAND.mkdir(parents=True, exist_ok=True)
    themes = {"": None, "dark_": (HERE / "dark.css").read_text()}
    for drawing in HERE.glob("*.svg"):
        for prefix, style in themes.items():
            for suffix, height in SIZES.items():
                target = BRAND / f"{prefix}{drawing.stem}{suffix}.png"
                render(drawing.read_text(), style, height, target)


main()
