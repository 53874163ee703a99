"""What an alert names: every piece of evidence as entities with normal keys. Pure."""

from secgraph.ingest.entities.entity import Entity
from secgraph.ingest.entities.read import entities, with_aliases

__all__ = ["Entity", "entities", "with_aliases"]
