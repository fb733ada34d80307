"""Web pages that show the attention of captions on their photographs."""
