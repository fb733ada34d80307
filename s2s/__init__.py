"""The shared core: everything that no single application owns, in folders that import only downwards."""
