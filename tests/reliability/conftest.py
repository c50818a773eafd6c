"""What the tests of a CEMM that errs share."""

import pytest

from custom_components.cemm.client import remote


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait before the remote API is asked again for what it has promised."""
    monkeypatch.setattr(remote, "PROMISE_RETRY_AFTER", 0)
