"""The CEMM energy gateway."""
