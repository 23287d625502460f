"""Leads: opportunities to have a programme funded by one of its potential donors, from the portfolio to success or cancellation.

The manual's table "Lead creation" (MAN-LEAD) runs from ``procedures.json``.
"""
