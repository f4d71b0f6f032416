"""Carries a plan out, and checks what came of it by other means than those that wrote it."""
