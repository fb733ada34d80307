"""A label for every frame of a film, read through a CNN and a recurrent network."""
