"""Names that more than one part of the integration needs."""

from typing import Final

DOMAIN: Final = "cemm"
MANUFACTURER: Final = "CEMM"
ACCOUNT_URL: Final = "https://mijn.cemm.nl/"

# Entry data
CONF_CONNECTION: Final = "connection"
CONF_UID: Final = "uid"
CONNECTION_LOCAL: Final = "local"
CONNECTION_REMOTE: Final = "remote"

# Entry options
CONF_EXTRA_ALIASES: Final = "extra_aliases"
CONF_IMPORT_HISTORY: Final = "import_history"
CONF_VOLUME_KINDS: Final = "volume_kinds"
