"""Faults on purpose: one script a fault, run together by ``make faults`` (see README.md)."""
