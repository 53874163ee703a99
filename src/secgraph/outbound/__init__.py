"""The guarded way out: what a source asks of its product, and where it must not come."""
