"""The audit log: capture in the session, one chained row a transaction, verification apart from the writer (AUD-01…07)."""
