"""Files taken in: stage, check, show, apply, undo; nothing is applied that was not shown."""
