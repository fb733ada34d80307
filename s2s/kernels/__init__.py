"""Operators of training on a CPU in C++, each of which does the work of several of PyTorch's in one pass.

They are compiled at the first training where a compiler is at hand (build.py), and used by `s2s train` (operators.py).
The eager code in s2s/nn defines what they compute, serves where they are missing, and is what tests compare them with.
"""
