"""What `scripts/bench` measures with: the data, the servers beside ours, the load, the tables and the goals."""
