"""dlc2lp: from DeepLabCut to Lightning Pose."""
