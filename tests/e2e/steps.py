"""What a user does with the integration, step by step."""

from itertools import product
import json
import re
from urllib.parse import quote

from playwright.async_api import expect

from .browser import PHONE, VIEWS, named, open_picker, picture
from .looks import draws_as_known
from .network import CEMM, MOVED, NEIGHBOUR
from .tour import NEW_KEY, OLD_KEY, Tour

_IMPORT_MS = 420_000
_REAUTHENTICATE = "integrations.reconfigure"
_COUNTERS = ("t1", "t2", "t3", "t4", "energy_import", "energy_export")
_SOURCES = "panel.lovelace.cards.energy.energy_sources_table"
_GRAPH = "panel.lovelace.cards.energy.energy_usage_graph"
_BLUEPRINTS = (  # title, file, and whose sensor it is about
    ("Use your own sun", "use_own_sun", "electric_power", "smart_meter"),
    ("Notice a leak", "notice_a_leak", "flow", "water_meter"),
)
_NOT_SAFE = "http://192.168.1.99/v1/"


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
    for model in ("Smart meter (P1)", "Gas meter (P1)", "Pulse S0 1", "Pulse 2"):
        await expect(tour.dialog).to_contain_text(model)
    for meter in tour.cemm.house.meters.values():
        await expect(tour.dialog.get_by_text(meter.type, exact=True)).to_have_count(0)


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
    """Look at the sensors of two: each has its name, and most a value in kWh."""
    page, words = tour.page, tour.words
    for meter, prefix in (("production_meter", "production_"), ("smart_meter", "")):
        await tour.open_integration()
        device = words.cemm(f"device.{meter}.name", alias="s01")
        await page.get_by_text(device, exact=True).click()
        keys = (*(f"{prefix}{counter}" for counter in _COUNTERS), "electric_power")
        names = [words.cemm(f"entity.sensor.{key}.name") for key in keys]
        await expect(page.get_by_text(names[-1], exact=True).first).to_be_visible()
        await tour.look(meter, *names)
    tariff = page.get_by_text(words.cemm("entity.sensor.rate.name"), exact=True)
    await expect(tariff.first).to_be_visible()
    await draws_as_known(page, words.sensors)
    rows = page.locator("hui-sensor-entity-row, hui-simple-entity-row")
    assert await rows.filter(has_text="kWh").count() >= 6


async def repairs_what_is_not_known(tour: Tour) -> None:
    """Say in a repair, on a phone, what a pulse meter measures: it is called that then."""
    page, words = tour.page, tour.words
    await tour.open("/config/repairs")
    repair = words.cemm("issues.volume_kind.title", alias="pulse-2")
    title = page.get_by_text(repair, exact=True)
    await expect(title).to_be_visible()
    await tour.look("repairs", repair)
    await page.set_viewport_size(PHONE)
    await title.click()
    step = "issues.volume_kind.fix_flow.step.kind"
    await tour.says(f"{step}.description", alias="pulse-2", name="CEMM Basic")
    await tour.choose("selector.volume_kind.options.water")
    await tour.press("submit")
    await expect(tour.dialog).not_to_contain_text(words.cemm(f"{step}.data.kind"))
    await tour.open_integration()
    water = words.cemm("device.water_meter.name", alias="pulse-2")
    await expect(page.get_by_text(water, exact=True)).to_be_visible()


async def mistypes_an_alias(tour: Tour) -> None:
    """Add one in the options that cannot be: it says so, beside what was typed."""
    await tour.open_options()
    await tour.choose("options.step.init.menu_options.settings")
    alias = tour.words.cemm("options.step.settings.data.extra_aliases")
    add = tour.words.ha("components.multi-textfield.add_item").format(item=alias)
    await named(tour.dialog, "button", add).click()
    typed = tour.dialog.locator("ha-input-multi input, ha-multi-textfield input").last
    await typed.fill("mb 5")
    await tour.press("submit")
    await tour.says("options.error.invalid_alias", aliases="mb 5")
    await expect(typed).to_have_value("mb 5")
    water = tour.words.cemm("selector.volume_kind.options.water")
    await expect(named(tour.dialog, "radio", water)).to_be_checked()


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
    page, words = tour.page, tour.words
    imported = words.ha(f"{_SOURCES}.named_grid_imported")
    low = imported.format(name=words.cemm("common.low_tariff"))
    row = page.get_by_role("row").filter(has_text=low)
    await tour.open("/energy/electricity")
    range_picker = words.ha("components.date-range-picker.select_date_range")
    await named(page, "button", range_picker).click()
    year = words.ha("components.date-range-picker.ranges.now-12m")
    await page.get_by_text(year, exact=True).click()
    # In all, and not less than nothing: a year is more than 1,000 kWh.
    most = r"\d\D\d{3}" if tour.has_a_year else r"\d{2,3}"
    await expect(row).to_contain_text(re.compile(rf"[^-\d]{most}\D.*kWh"))
    legend = [
        words.ha(f"{_GRAPH}.named_grid_{way}").format(
            name=words.cemm(f"common.{tariff}")
        )
        for way, tariff in product(
            ("consumed", "exported"), ("low_tariff", "high_tariff")
        )
    ]
    await tour.look("energy-legend", *legend)


async def imports_the_blueprints(tour: Tour) -> None:
    """Import them by their address and make automations of them: their sensors can be chosen."""
    page, words = tour.page, tour.words
    dialog = page.locator("ha-dialog-import-blueprint")
    for _, name, _, _ in _BLUEPRINTS:
        file = f"/local/blueprints/automation/cemm/{name}.yaml"
        # What the README's link leads to, once it is known whose Home Assistant it is.
        address = quote(tour.home.url + file, safe="")
        await tour.open(f"/_my_redirect/blueprint_import?blueprint_url={address}")
        for button in ("import_btn", "save_btn"):
            await named(dialog, "button", words.ha(f"blueprint.add.{button}")).click()
        await expect(dialog).to_be_hidden()
        # Closing it goes back by one page, a little later.
        await picture(page, tour.pictures / f"{name}-imported.png")
    for (title, name, sensor, meter), (view, suffix) in product(_BLUEPRINTS, VIEWS):
        await page.set_viewport_size(view)
        await tour.open("/config/blueprint/dashboard")
        await page.get_by_role("row").get_by_text(title, exact=True).click()
        device = words.cemm(f"device.{meter}.name", alias="pulse-2")
        choice = page.locator("ha-combo-box-item:visible").filter(has_text=device)
        await open_picker(page, choice)
        await expect(choice).to_contain_text(words.cemm(f"entity.sensor.{sensor}.name"))
        await picture(page, tour.pictures / f"{name}{suffix}.png")


async def changes_to_the_remote_api(tour: Tour) -> None:
    """Use an API key for the same CEMM from now on, at a wrong address first."""
    await tour.pick_from_menu("reconfigure")
    await tour.says("config.step.reconfigure.title")
    await tour.says("config.step.reconfigure.description")
    await tour.choose("config.step.reconfigure.menu_options.remote")
    await tour.says("config.step.remote.description")
    await tour.choose("config.step.remote.sections.advanced.name")
    await tour.fill("api_key", OLD_KEY)
    await tour.fill("url", _NOT_SAFE)
    await tour.press("submit")
    await tour.says("config.error.insecure_url")
    await tour.keeps(api_key=OLD_KEY, url=_NOT_SAFE)
    await tour.look("wrong-address")
    await tour.fill("url", tour.cloud.remote_url)
    await tour.press("submit")
    done = tour.words.core("config.abort.reconfigure_successful")
    await expect(tour.dialog).to_contain_text(done)


async def visits_the_account(tour: Tour) -> None:
    """Find on the CEMM's page the way to where it is read now."""
    await tour.open_integration()
    await tour.page.get_by_text("CEMM Basic", exact=True).last.click()
    account = tour.page.locator('a[href="https://mijn.cemm.nl/"]')
    await expect(account.first).to_be_visible()


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
    await tour.keeps(api_key=OLD_KEY)
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
    await tour.keeps(host=CEMM)
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


STEPS = (
    finds_the_cemm,
    adds_it,
    sees_the_other_discovered,
    opens_a_meter,
    repairs_what_is_not_known,
    mistypes_an_alias,
    downloads_diagnostics,
    watches_the_import,
    adds_it_to_the_energy_dashboard,
    sees_a_year_of_bars,
    imports_the_blueprints,
    changes_to_the_remote_api,
    visits_the_account,
    has_its_key_refused,
    enters_another_key,
    follows_it_to_another_address,
    removes_it,
)
