"""The command line: the command `s2s`, and what all commands share."""
