"""Built-in products as sources of alerts, one file each, found by entry point like anybody's."""
