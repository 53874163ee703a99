"""Everything of one database in another."""
