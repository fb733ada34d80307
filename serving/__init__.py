"""A server on the applications: an API and a page for translation and captioning."""
