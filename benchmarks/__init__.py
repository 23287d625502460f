"""Measurements of Diwan beside a floor that is taken in the same run, so that they can be compared across machines.

``python -m benchmarks`` (``make bench``) fills an association with customers through the services, on both engines, and
prints each figure in milliseconds and as a multiple of its floor: what the bare driver needs for one row on this machine.
"""
