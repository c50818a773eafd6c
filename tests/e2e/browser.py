"""A browser with a user signed in, and what users do in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import re
from typing import Any, Literal

from playwright.async_api import Locator, Page, ViewportSize, async_playwright, expect

_CHROMIUM = "/usr/bin/chromium"
_OFFLINE = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
_WAIT_MS = 30_000
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
VIEWS = ((PHONE, "-phone"), (DESKTOP, ""))
"""What a page is looked at on, and what their pictures are called."""


@asynccontextmanager
async def browse(
    url: str,
    tokens: dict[str, Any],
    language: str,
    colours: Literal["light", "dark"],
    folder: Path,
) -> AsyncIterator[Page]:
    """Yield a page of a browser that is signed in to `url`, speaks `language` and has `colours`.

    The profile is kept in `folder`.
    """
    stored = {
        "hassTokens": {
            **tokens,
            "hassUrl": url,
            "clientId": f"{url}/",
            "expires": 0,
        },
        "selectedLanguage": language,
    }
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            folder,
            executable_path=_CHROMIUM,
            headless=True,
            args=_OFFLINE,
            viewport=DESKTOP,
            device_scale_factor=1.5,
            locale=language,
            color_scheme=colours,
            timezone_id="Europe/Amsterdam",
        )
        context.set_default_timeout(_WAIT_MS)
        expect.set_options(timeout=_WAIT_MS)
        await context.add_init_script(
            "".join(
                f"localStorage.setItem({json.dumps(key)}, {json.dumps(json.dumps(value))});"
                for key, value in stored.items()
            )
        )
        page = context.pages[0]
        try:
            yield page
        finally:
            await context.close()


async def picture(page: Page, path: Path) -> None:
    """Keep what the page shows, once it has stopped moving."""
    await _settled(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path, animations="disabled", caret="hide")


async def _settled(page: Page) -> None:
    """Wait until no spinner turns and the page looks the same twice."""
    before = b""
    for _ in range(40):
        await page.wait_for_timeout(250)
        spinners = await page.locator("ha-spinner:visible").count()
        now = await page.screenshot()
        if not spinners and now == before:
            return
        before = now


async def open_picker(page: Page, choice: Locator) -> None:
    """Open the page's first picker of an entity, some times if need be for a certain choice.

    It lists what it knew when it was opened, and which integration has which entity it asks
    by then only: whoever clicks at once finds nothing, and something at the second time.
    """
    for _ in range(10):
        await page.locator("ha-entity-picker").first.click()
        await _settled(page)
        if await choice.is_visible():
            return
        await page.keyboard.press("Escape")


def dialog(page: Page) -> Locator:
    """Return the dialog of a config or options flow."""
    return page.locator("dialog-data-entry-flow")


def named(locator: Page | Locator, role: Any, name: str) -> Locator:
    """Return what has exactly this accessible name."""
    return locator.get_by_role(role, name=re.compile(f"^\\s*{re.escape(name)}\\s*$"))
