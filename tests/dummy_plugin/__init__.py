"""A plugin that implements every hook, so that each is shown to be asked and told."""
