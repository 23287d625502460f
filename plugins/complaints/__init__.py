"""Complaints, inquiries and suggestions: one log, from the caller's first word to the archived monthly report."""
