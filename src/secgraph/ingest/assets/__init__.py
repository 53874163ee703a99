"""What an organisation says of its own users, devices and applications: their names, how much they matter, whose they are."""
