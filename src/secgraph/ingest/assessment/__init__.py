"""What an incident says of itself: its name, how grave and how urgent it is, what is in it. Pure."""
