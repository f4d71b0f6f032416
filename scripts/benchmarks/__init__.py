"""Measures dlc2lp beside the commands that people use without it.

Every speed is a ratio against a baseline that ran directly before the candidate, the median of three such pairs, so
that a machine which others use too still gives figures. CPU time is that of this process and of its ffmpegs.

===========  =====================================================================================================
module       what it does
===========  =====================================================================================================
cli          ``bench video``: the parts, their order, the machine's description
recordings   makes the clips: clean, noisy camera, small and long; finds the real recording
reference    the commands of Lightning Pose's documentation and of its app
measure      wall and CPU time, pairs and medians, Markdown tables
quality      PSNR and SSIM of a copy against its source; whether every frame is in its place
profiles     the encode profiles on each kind of clip
throughput   many videos: several encodes of one thread each, or one after another with all threads
copying      what is not encoded: place, remux, rewrite and probing
memory       peak memory of a short and of a long clip
peak         one job in a process of its own, which tells its peak memory
===========  =====================================================================================================
"""
