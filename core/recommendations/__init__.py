"""Recommendations: raised from a report or a review, decided, followed up (CMPL-21, CMPL-22, RPT-06, RPT-07)."""
