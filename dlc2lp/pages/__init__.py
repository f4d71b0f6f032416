"""Pages that people open in a browser: what they show, as data, and how that becomes HTML."""
