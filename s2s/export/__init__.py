"""From a trained model to its light form, ONNX graphs that run without torch."""
