"""Training: tasks, batches, optimisers and the trainer."""
