"""What exists: the published model joined with our choices. No HTTP, no SQL."""
