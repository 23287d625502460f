"""People: users, roles, permissions, the table of authorities, delegation, sign-in and second factor."""
