"""What the scripts run: the demo, the benchmark and the recording of what a CEMM answers."""
