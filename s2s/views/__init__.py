"""Pictures and web pages that show what a model did."""
