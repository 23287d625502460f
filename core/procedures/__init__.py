"""Procedures as data: the manual's steps with role, limit and output, and the runs of them (PLUG-10)."""
