"""What the integration costs and how fresh its values are, beside its rivals.

Every module named in `MODULES` measures one thing: its `measure(report)` fills a report. It
is a coroutine, or a function if it needs an event loop for each Home Assistant.
"""

MODULES = ("cpu_round", "cpu_hour", "freshness", "setup_time", "scale", "history")
