"""Notices in the page, mail and the daily digest."""
