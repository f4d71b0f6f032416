"""Findings, plans and outcomes, shown to people and to machines."""
