"""Background work as rows of the association's database: the outbox, its worker, and periodic jobs."""
