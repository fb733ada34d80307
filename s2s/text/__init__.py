"""Text: strings to token ids and back, and files of lines."""
