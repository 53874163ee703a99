"""What keeping and computing secure scores costs."""
