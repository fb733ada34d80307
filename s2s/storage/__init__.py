"""Files of models and runs: model directories, training states and run directories, verified when read."""
