"""A user who goes through the pages of Home Assistant."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from dev.demo.homeassistant import HomeAssistant
from simulator import Simulator

from .browser import VIEWS, dialog, named, picture
from .looks import has_room, unfold
from .network import DISCOVERY_PORT, HTTP_PORT, MOVED, Network
from .words import Words

type Step = Callable[[Tour], Awaitable[None]]

OLD_KEY, NEW_KEY = "old-key", "new-key"


@dataclass(slots=True)
class Tour:
    """A visit to one Home Assistant, in one language."""

    page: Page
    words: Words
    home: HomeAssistant
    network: Network
    cemm: Simulator
    cloud: Simulator
    pictures: Path
    has_a_year: bool
    """Whether the CEMM remembers a whole one."""

    async def run(self, steps: Iterable[Step]) -> None:
        """Take every step, and look at the page at its end; raise where it is wrong."""
        for number, step in enumerate(steps, 1):
            name = step.__name__
            try:
                await step(self)
                await self.look(f"{number:02}-{name}")
            except BaseException as error:
                await self.page.screenshot(path=self.pictures / f"{name}-FAILED.png")
                error.add_note(f"in step {name} ({self.words.language})")
                raise
            print(f"  {number:2} {name}", flush=True)  # noqa: T201  a command

    async def look(self, name: str, *shown: str) -> None:
        """Expect that no name is cut off, on a phone and on a desktop; keep pictures.

        What is `shown` must be among the names.
        """
        for view, suffix in VIEWS:
            await self.page.set_viewport_size(view)
            await picture(self.page, self.pictures / f"{name}{suffix}.png")
            await unfold(self.page)
            await has_room(self.page, shown)

    async def open(self, path: str) -> None:
        """Go to a page of Home Assistant."""
        await self.page.goto(f"{self.home.url}{path}")

    async def open_integration(self) -> None:
        """Go to the page with the CEMM's entry."""
        await self.open("/config/integrations/integration/cemm")

    async def open_options(self) -> None:
        """Open the menu of the CEMM's options."""
        await self.open_integration()
        configure = self.words.ha("integrations.config_entry.configure")
        await named(self.page, "button", configure).first.click()

    @property
    def dialog(self) -> Locator:
        """The dialog of the flow that is open."""
        return dialog(self.page)

    async def says(self, key: str, **values: str) -> None:
        """Expect a text of the integration in the dialog."""
        await expect(self.dialog).to_contain_text(self.words.cemm(key, **values))

    async def choose(self, key: str) -> None:
        """Click on a text of the integration in the dialog."""
        await self.dialog.get_by_text(self.words.cemm(key), exact=True).click()

    async def press(self, key: str) -> None:
        """Press a button of Home Assistant's in the dialog."""
        name = self.words.ha(f"integrations.config_flow.{key}")
        await named(self.dialog, "button", name).click()

    async def fill(self, field: str, value: str) -> None:
        """Type into a field of the dialog."""
        await self.field(field).fill(value)

    async def keeps(self, **typed: str) -> None:
        """Expect that fields are in sight, with what was typed."""
        for name, value in typed.items():
            await expect(self.field(name)).to_be_visible()
            await expect(self.field(name)).to_have_value(value)

    def field(self, name: str) -> Locator:
        """Return a field of the dialog."""
        return self.dialog.locator(f"input[name={name}]")

    async def pick_from_menu(self, key: str) -> None:
        """Open the menu of the CEMM's entry and click on one of its lines."""
        await self.open_integration()
        row = self.page.locator("ha-config-entry-row").first
        await row.locator("ha-icon-button[slot=trigger]").first.click()
        name = self.words.ha(f"integrations.config_entry.{key}")
        await named(self.page, "menuitem", name).click()

    async def replace_key(self) -> None:
        """Let the remote API accept only the new key."""
        await self.cloud.stop()
        port = self.cloud.remote_port
        self.cloud = Simulator(self.cloud.house, self.cloud.clock, api_key=NEW_KEY)
        await self.cloud.start(remote_port=port)

    async def move(self) -> None:
        """Give the CEMM another address."""
        await self.network.run(self.cemm.stop())
        await self.network.run(self.cemm.start(MOVED, HTTP_PORT, None, DISCOVERY_PORT))
