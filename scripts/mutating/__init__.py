"""The mutation check: what ``scripts/mutants`` runs."""
