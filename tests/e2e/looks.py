"""How texts look on a page."""

from collections.abc import Collection

from playwright.async_api import Page

from tests.helpers.widths import width

# What Home Assistant cuts off where it has no room: names of sensors, titles of repairs,
# names of sources below a chart.
_MAY_BE_CUT_OFF = (
    "hui-generic-entity-row .info, ha-config-repairs ha-list-item-button .headline, "
    ".chart-legend .label"
)
_FIND_CUT_OFF = """all => all
  .filter(each => each.scrollWidth > each.clientWidth)
  .map(each => each.innerText || each.getRootNode().host.innerText)"""

_SIZE = 14
_MEASURE = """async ([texts, font]) => {
  await document.fonts.load(font);
  const context = document.createElement("canvas").getContext("2d");
  context.font = font;
  context.fontKerning = "none";
  return texts.map(text => context.measureText(text).width);
}"""


async def cut_off(page: Page) -> list[str]:
    """Return the names on the page of which a part is missing."""
    found: list[str] = await page.locator(_MAY_BE_CUT_OFF).evaluate_all(_FIND_CUT_OFF)
    return found


async def draws_as_known(page: Page, texts: Collection[str]) -> None:
    """Expect that the page's font is as wide as the tests take it to be."""
    drawn = await page.evaluate(_MEASURE, [[*texts], f"{_SIZE}px Roboto"])
    for text, found in zip(texts, drawn, strict=True):
        assert abs(found - width(text, _SIZE)) < 1, f"{text}: {found} px"
