"""Web pages that show where each word of a caption looked."""
