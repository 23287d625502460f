"""Measurements of Diwan beside a floor and a peer that are taken in the same run, so that they can be compared across machines.

``python -m benchmarks`` (``make bench``) fills an association with customers, money and calls, on both engines, and prints
each figure in milliseconds and as a multiple of its floor: what the bare driver needs for one row, Flask for a bare page.
``benchmarks/README.md`` says what is measured and how to read it.
"""
