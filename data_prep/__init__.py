"""Data preparation: raw downloads to the files that training reads, one module a data set."""
