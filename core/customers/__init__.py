"""The register of customers: one table, changed only by approved forms that the data officer enters (manual 6.1, 6.2)."""
