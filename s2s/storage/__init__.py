"""What is on disk: model directories, training states and run directories, verified when they are read."""
