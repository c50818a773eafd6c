"""Every rule of Home Assistant's Integration Quality Scale is kept, or exempt for a reason."""

import json
from pathlib import Path
from typing import Any

from homeassistant import components
import yaml

from custom_components import cemm


def rules(folder: Path) -> dict[str, Any]:
    """Return what an integration says of each rule."""
    return dict(yaml.safe_load((folder / "quality_scale.yaml").read_text())["rules"])


OURS = rules(Path(cemm.__file__).parent)


def test_every_rule_is_there() -> None:
    # One of Home Assistant's own, whose checks demand every rule.
    assert OURS.keys() == rules(Path(components.__path__[0]) / "homewizard").keys()


def test_every_rule_is_done_or_exempt_for_a_reason() -> None:
    for name, rule in OURS.items():
        if rule != "done":
            assert rule["status"] == "exempt", name
            assert rule["comment"].endswith("."), name


def test_the_manifest_is_sorted_as_hassfest_wants_it() -> None:
    keys = list(json.loads((Path(cemm.__file__).parent / "manifest.json").read_text()))
    assert keys == ["domain", "name", *sorted(keys[2:])]
