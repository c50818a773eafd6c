"""From the CEMM's history to Home Assistant's statistics."""
