"""What the tests of the client have in common."""

import json

MAC = "00:1e:c0:85:96:cc"
# An answer to the broadcast, word for word as the documentation shows it.
EXAMPLE = (
    b'{"ip": "192.168.2.115", "mac": "00:1E:C0:85:96:CC", "version": "1.24", '
    b'"type": "CEMM_basic", "init_state": 1}'
)

# What is no number that a meter can show.
NO_NUMBERS = [
    float("nan"),
    float("inf"),
    float("-inf"),
    5e12,
    -(10**400),
    True,
    "1,5",
    "0x1",
    "1e3",
    "\u0661",
    "9" * 15,
    "",
    [1],
    {},
]


def answer_of(mac: str) -> bytes:
    """Return an answer to the broadcast."""
    return json.dumps({"ip": "10.0.0.1", "mac": mac}).encode()
