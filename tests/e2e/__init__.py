"""The integration as a user sees it: a real browser, Home Assistant and network."""
