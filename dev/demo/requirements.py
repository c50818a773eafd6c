"""Print what a running Home Assistant needs, which its package leaves to be installed later.

Those are the requirements of the integrations that it always loads, of the few that the
demo's configuration adds, and of all that these depend on; pins come from their manifests.
"""

from collections.abc import Iterable
import json
from pathlib import Path
import sys

from homeassistant import bootstrap, components

_ADDED = ("config", "energy", "history", "isal", "logbook", "my", "network", "recorder")


def requirements(integrations: Iterable[str]) -> set[str]:
    """Return the requirements of these integrations and of all that they depend on."""
    folder = Path(components.__path__[0])
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [*integrations]
    while waiting:
        integration = waiting.pop()
        if integration in seen:
            continue
        seen.add(integration)
        manifest = json.loads((folder / integration / "manifest.json").read_text())
        found.update(manifest.get("requirements", ()))
        # "After" means: only if it is there. But its code may be imported all the same.
        waiting += manifest.get("dependencies", ())
        waiting += manifest.get("after_dependencies", ())
    return found


if __name__ == "__main__":
    always = bootstrap.CORE_INTEGRATIONS | bootstrap.DEFAULT_INTEGRATIONS
    sys.stdout.writelines(
        f"{line}\n" for line in sorted(requirements({*always, *_ADDED}))
    )
