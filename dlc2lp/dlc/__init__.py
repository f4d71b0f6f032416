"""DeepLabCut on disk: every form a project can have. This wing only reads."""
