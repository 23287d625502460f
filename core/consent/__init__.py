"""Consent: who may contact whom, by which channel and for what (PERM-01, PERM-02, PERM-11, CALL-10)."""
