"""The sources that a tenant configured: what each was told, where it goes on, and how it fares."""
