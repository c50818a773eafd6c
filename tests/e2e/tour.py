"""What a user does with the integration, step by step."""

from dataclasses import dataclass
import json
from pathlib import Path
import re

from playwright.async_api import Locator, Page, expect

from dev.demo.homeassistant import HomeAssistant
from simulator import Simulator

from .browser import dialog, named, picture
from .network import CEMM, DISCOVERY_PORT, HTTP_PORT, MOVED, NEIGHBOUR, Network
from .words import Words

OLD_KEY, NEW_KEY = "old-key", "new-key"

_IMPORT_MS = 420_000
_REAUTHENTICATE = "integrations.reconfigure"


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

    async def run(self) -> None:
        """Take every step, each with a picture at its end; raise where a page is wrong."""
        for number, step in enumerate(_STEPS, 1):
            name = step.__name__
            try:
                await step(self)
            except BaseException as error:
                await self.page.screenshot(path=self.pictures / f"{name}-FAILED.png")
                error.add_note(f"in step {name} ({self.words.language})")
                raise
            await picture(self.page, self.pictures / f"{number:02}-{name}.png")
            print(f"  {number:2} {name}", flush=True)  # noqa: T201  a command

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
        await self.dialog.locator(f"input[name={field}]").fill(value)

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


async def finds_the_cemm(tour: Tour) -> None:
    """Search the network, where two CEMMs answer."""
    page, words = tour.page, tour.words
    await tour.open("/config/integrations/dashboard")
    add = words.ha("integrations.add_integration")
    await named(page, "button", add).first.click()
    await page.locator("dialog-add-integration input").fill("cemm")
    found = page.locator("dialog-add-integration ha-integration-list-item")
    await found.filter(has_text="CEMM").first.click()
    await tour.says("config.step.user.description")
    await tour.choose("config.step.user.menu_options.discover")
    await tour.says("config.progress.discover")
    await tour.says("config.step.pick.title")
    await expect(tour.dialog).to_contain_text(CEMM)
    await expect(tour.dialog).to_contain_text(NEIGHBOUR)


async def adds_it(tour: Tour) -> None:
    """Pick one of the two, with its history."""
    await tour.dialog.get_by_text(CEMM).click()
    await tour.press("submit")
    await tour.says("config.step.history.description")
    await tour.press("submit")
    finish = tour.words.ha("integrations.config_flow.finish_skip")
    await expect(tour.dialog).to_contain_text(finish)


async def sees_the_other_discovered(tour: Tour) -> None:
    """See the other CEMM, which shows up by itself."""
    await tour.press("finish_skip")
    await tour.open("/config/integrations/dashboard")
    page = tour.page
    await expect(page.get_by_text(f"CEMM Basic ({NEIGHBOUR})")).to_be_visible()
    await expect(
        page.locator("ha-integration-card").filter(has_text="CEMM")
    ).to_be_visible()


async def opens_a_meter(tour: Tour) -> None:
    """Look at the smart meter's sensors: each has its name, and most a value in kWh."""
    page, words = tour.page, tour.words
    await tour.open_integration()
    await page.get_by_text(words.cemm("device.smart_meter.name"), exact=True).click()
    for key in ("t1", "t2", "t3", "t4", "energy_import", "electric_power", "rate"):
        name = words.cemm(f"entity.sensor.{key}.name")
        await expect(page.get_by_text(name, exact=True).first).to_be_visible()
    rows = page.locator("hui-sensor-entity-row, hui-simple-entity-row")
    assert await rows.filter(has_text="kWh").count() >= 6


async def downloads_diagnostics(tour: Tour) -> None:
    """Find the meters in them, but not where the CEMM is nor which one it is."""
    async with tour.page.expect_download() as download:
        await tour.pick_from_menu("download_diagnostics")
    text = (await (await download.value).path()).read_text()
    assert "p1" in json.dumps(json.loads(text)["data"])
    mac = tour.cemm.house.mac
    for secret in (CEMM, mac, mac.lower(), mac.replace(":", "-")):
        assert secret not in text, f"{secret} is in the diagnostics"


async def watches_the_import(tour: Tour) -> None:
    """Open it in the options while it runs: a progress bar, and at last how it ended."""
    await tour.open_options()
    await tour.choose("options.step.init.menu_options.import_history")
    await tour.says("options.step.import_history.description")
    await tour.press("submit")
    await tour.says("options.progress.import_history")
    bar = tour.dialog.locator("ha-progress-ring, ha-progress-bar")
    await expect(bar.first).to_be_visible()
    await picture(tour.page, tour.pictures / "importing.png")
    complete = tour.words.cemm("options.abort.history_complete")
    await expect(tour.dialog).to_contain_text(complete, timeout=_IMPORT_MS)


async def adds_it_to_the_energy_dashboard(tour: Tour) -> None:
    """Have all meters added by the options."""
    await tour.open_options()
    await tour.choose("options.step.init.menu_options.energy_dashboard")
    for meter in ("smart_meter", "gas_meter"):
        name = tour.words.cemm(f"device.{meter}.name")
        await expect(tour.dialog).to_contain_text(name)


async def sees_a_year_of_bars(tour: Tour) -> None:
    """Look at the last twelve months, most of which were before Home Assistant was there."""
    low = tour.words.cemm("entity.sensor.t1.name")
    row = tour.page.get_by_role("row").filter(has_text=low)
    page, words = tour.page, tour.words
    await tour.open("/energy/electricity")
    range_picker = words.ha("components.date-range-picker.select_date_range")
    await named(page, "button", range_picker).click()
    year = words.ha("components.date-range-picker.ranges.now-12m")
    await page.get_by_text(year, exact=True).click()
    # In all, and not less than nothing: a year is more than 1,000 kWh.
    most = r"\d\D\d{3}" if tour.has_a_year else r"\d{2,3}"
    await expect(row).to_contain_text(re.compile(rf"[^-\d]{most}\D.*kWh"))


async def changes_to_the_remote_api(tour: Tour) -> None:
    """Priority an API key for the same CEMM from now on."""
    await tour.pick_from_menu("reconfigure")
    await tour.says("config.step.reconfigure.description")
    await tour.choose("config.step.reconfigure.menu_options.remote")
    await tour.says("config.step.remote.description")
    await tour.choose("config.step.remote.sections.advanced.name")
    await tour.fill("api_key", OLD_KEY)
    await tour.fill("url", tour.cloud.remote_url)
    await tour.press("submit")
    done = tour.words.core("config.abort.reconfigure_successful")
    await expect(tour.dialog).to_contain_text(done)


async def has_its_key_refused(tour: Tour) -> None:
    """See that Home Assistant says so and asks for attention."""
    await tour.replace_key()
    await tour.pick_from_menu("reload")
    refused = tour.page.get_by_text(tour.words.cemm("exceptions.invalid_auth.message"))
    await expect(refused).to_be_visible()
    await tour.open_integration()  # without the box that may say: it was reloaded
    await expect(refused).to_be_visible()


async def enters_another_key(tour: Tour) -> None:
    """Enter a wrong one first, then the new one: all is well again."""
    page = tour.page
    await page.get_by_role("button", name=tour.words.ha(_REAUTHENTICATE)).click()
    await tour.says("config.step.reauth_confirm.title")
    await tour.fill("api_key", OLD_KEY)
    await tour.press("submit")
    await tour.says("config.error.invalid_auth")
    await tour.fill("api_key", NEW_KEY)
    await tour.press("submit")
    done = tour.words.core("config.abort.reauth_successful")
    await expect(tour.dialog).to_contain_text(done)
    await tour.open_integration()
    refused = tour.words.cemm("exceptions.invalid_auth.message")
    await expect(page.get_by_text(refused)).to_be_hidden()


async def follows_it_to_another_address(tour: Tour) -> None:
    """Go back to the local API, now at another address; the old one does not answer."""
    await tour.move()
    await tour.pick_from_menu("reconfigure")
    await tour.choose("config.step.reconfigure.menu_options.local")
    await tour.fill("host", CEMM)
    await tour.press("submit")
    await tour.says("config.error.cannot_connect")
    await tour.fill("host", MOVED)
    await tour.press("submit")
    done = tour.words.core("config.abort.reconfigure_successful")
    await expect(tour.dialog).to_contain_text(done)


async def removes_it(tour: Tour) -> None:
    """Delete the CEMM: its meters are gone too."""
    await tour.pick_from_menu("delete")
    await named(tour.page, "button", tour.words.ha("common.delete")).click()
    meter = tour.words.cemm("device.smart_meter.name")
    await expect(tour.page.get_by_text(meter, exact=True)).to_be_hidden()


_STEPS = (
    finds_the_cemm,
    adds_it,
    sees_the_other_discovered,
    opens_a_meter,
    downloads_diagnostics,
    watches_the_import,
    adds_it_to_the_energy_dashboard,
    sees_a_year_of_bars,
    changes_to_the_remote_api,
    has_its_key_refused,
    enters_another_key,
    follows_it_to_another_address,
    removes_it,
)
