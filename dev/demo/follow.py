"""Run Home Assistant until standard input ends, which it does with whoever started this."""

import os
import signal
import sys
import threading

from homeassistant.__main__ import main


def _follow() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_follow, daemon=True).start()
    sys.exit(main())
