"""Moving pictures: what a video holds, what it needs, and how it gets there without losing a frame."""
