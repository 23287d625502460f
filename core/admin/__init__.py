"""The pages' common ground: secure base views, the list engine, forms, requests, errors and the theme."""
