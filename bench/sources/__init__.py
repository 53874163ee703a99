"""How fast each source reads, beside decoding the same records; run by `scripts/bench sources`."""
