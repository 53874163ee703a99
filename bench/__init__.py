"""What `scripts/bench` measures with: the data, the bare server beside ours, the load and the table."""
