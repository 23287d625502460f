"""Reports: one page for those of core and of all plugins that are on, with parameters, totals and CSV (PLUG-05)."""
