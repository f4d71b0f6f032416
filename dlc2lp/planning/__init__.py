"""Decides everything about a migration, as data. Pure: the same input gives the same plan, byte for byte."""
