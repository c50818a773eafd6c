"""What the integration costs and how fresh its values are, beside its rivals.

Every module named in `MODULES` measures one figure: its `measure(options)` returns a report.
"""

MODULES = ("cpu_round", "cpu_hour", "freshness", "setup_time", "scale", "history")
