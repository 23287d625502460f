"""Attachments: checked by content, stored under random names outside the web root, served as downloads only."""
