"""Diwan's core: what every association needs, and the one contract (``core/hookspecs.py``) through which plugins add the rest."""
