"""What was asked: text to nodes to a query about the model. Pure."""
