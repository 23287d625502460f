"""The way in for other systems: tokens, limits, idempotent requests, and the resources that areas and plugins offer under /api/v1."""
