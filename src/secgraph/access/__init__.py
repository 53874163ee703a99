"""Who may see it. Pure."""
