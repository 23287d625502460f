"""The call centre (donor service): every call by hand or from the exchange, promised call-backs, and the panel of the year."""
