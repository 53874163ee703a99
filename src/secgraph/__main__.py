"""`python -m secgraph`."""

from secgraph.cli import main

main()
