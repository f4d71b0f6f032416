"""Tries to break dlc2lp, and says in one figure for each part what held.

===============  ================================================================================================
module           what it does
===============  ================================================================================================
cli              ``scripts/trials``: the parts, how many cases of each
working          cases shared among worker processes, what failed and how to repeat it, the figure
children         a command in a forked child that has all imports done; its limits; acts at a moment of its work
trees            what a folder holds: equal bytes, temporaries, a source that nobody touched, back to how it was
inputs           the small projects that are mistreated
kill             SIGKILL at moments spread over a command, and the same command again
disk             disks that fill, turn read-only or fail, by ``mounts``
fuzz             mutated files, many to a process, by ``doors``, ``values``, ``texts``, ``binaries``, ``hdf``
hostile          a list of hostile files and names, and what each must come to
races            several commands at once, sources and plans that change, early signals
===============  ================================================================================================
"""
