"""Lightning Pose's formats: names, label files, configuration, and what its trainer and app accept."""
