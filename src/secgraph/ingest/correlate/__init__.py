"""Which alerts belong together, and why. Pure."""
