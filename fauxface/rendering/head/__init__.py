"""The head's mesh: MakeHuman's data, a person's shape, an expression, brows and teeth."""
