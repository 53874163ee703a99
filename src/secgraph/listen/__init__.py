"""Records that products send by themselves: to a port in one of the ways of syslog, or into a file that grows."""
