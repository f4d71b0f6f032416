"""A migration: survey the source, decide on a plan, carry it out, verify the result."""
