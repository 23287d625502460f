"""Built-in plugins, one folder each. Core finds them by folder and knows none by name."""
