"""What it costs to put alerts into incidents: each number a ratio that was made in one run, the two sides in turn."""
