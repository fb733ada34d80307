"""Raw downloads to what training reads: one module per data set, plus cleaning."""
