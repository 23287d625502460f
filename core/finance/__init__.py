"""Money that donors promise and give, and its way to the association's accounting system (FIN-01…04, 09, 10)."""
