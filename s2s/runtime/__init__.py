"""The engine without torch, ONNX Runtime or plain NumPy under the search of both engines."""
