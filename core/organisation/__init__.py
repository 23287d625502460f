"""Cities, neighbourhood centres, branches, departments and programmes of one association, and the presets that fill them."""
