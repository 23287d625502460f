"""Plugins: their manifest, how they are found, ordered and checked, which of them an association has chosen, their health."""
