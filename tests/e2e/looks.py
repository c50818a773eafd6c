"""How texts look on a page."""

from collections.abc import Collection, Iterable

from playwright.async_api import Page, expect

from tests.helpers.widths import width

# What Home Assistant cuts off where it has no room: names of sensors, titles of repairs,
# names of sources below a chart.
_MAY_BE_CUT_OFF = (
    "hui-generic-entity-row .info, ha-config-repairs ha-list-item-button .headline, "
    ".chart-legend .label"
)
_WHETHER_CUT_OFF = """all => {
  const slotted = each => [...each.querySelectorAll("slot")]
    .flatMap(slot => slot.assignedNodes({flatten: true}))
    .map(node => node.textContent)
    .join("");
  return all.map(each => [
    (each.innerText || slotted(each)).trim(),
    each.scrollWidth > each.clientWidth,
  ]);
}"""

_SIZE = 14
_MEASURE = """async ([texts, font]) => {
  await document.fonts.load(font);
  const context = document.createElement("canvas").getContext("2d");
  context.font = font;
  context.fontKerning = "none";
  return texts.map(text => context.measureText(text).width);
}"""


async def unfold(page: Page) -> None:
    """Show all names below a chart: some versions have room for a few on a phone."""
    folded = page.locator(".chart-legend li.overflow:not(.legend-more)")
    if await folded.count():
        await page.locator(".chart-legend .legend-more ha-assist-chip").first.click()
        await expect(folded).to_have_count(0)


async def has_room(page: Page, names: Iterable[str] = ()) -> None:
    """Expect that no name on the page is cut off, and that `names` are there."""
    found = await page.locator(_MAY_BE_CUT_OFF).evaluate_all(_WHETHER_CUT_OFF)
    assert not (cut := [text for text, is_cut in found if is_cut]), f"cut off: {cut}"
    missing = {*names} - {text for text, _ in found}
    assert not missing, f"not in sight: {missing}, but {found}"


async def draws_as_known(page: Page, texts: Collection[str]) -> None:
    """Expect that the page's font is as wide as the tests take it to be."""
    drawn = await page.evaluate(_MEASURE, [[*texts], f"{_SIZE}px Roboto"])
    for text, found in zip(texts, drawn, strict=True):
        assert abs(found - width(text, _SIZE)) < 1, f"{text}: {found} px"
