"""PostgreSQL: several processes over one database."""
