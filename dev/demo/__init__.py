"""A real Home Assistant beside the simulator: for the demo, the browser and the benchmark."""
