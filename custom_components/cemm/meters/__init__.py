"""The meters of a CEMM: what each of them last said, and whether it is believed."""
