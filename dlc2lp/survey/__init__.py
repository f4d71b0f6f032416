"""Looks at the source: what DeepLabCut left on disk, joined with what the videos are. Only reads."""
