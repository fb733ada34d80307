"""What the commands share: arguments, exit codes, signals."""
