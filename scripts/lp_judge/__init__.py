"""Judge a converted project with the real code of lightning-pose and of its app.

Run by the interpreter of the environment that ``scripts/make_lp_env`` makes, with ffmpeg and ffprobe on PATH::

    ENVIRONMENT/bin/python scripts/lp_judge TARGET [--train] [--as-written] [--help]

No GPU and no network is used. A run takes 20 to 50 s on two cores, most of it imports; ``--train`` adds 5 to
25 s, ``--as-written`` about a minute.

Output is one line per check, ``PASS|FAIL|WARN|SKIP  check id  detail``, then
``RESULT OK|FAIL: n pass, n warn, n fail, n skip in n s``. Exit 1 on any FAIL (with ``--strict`` on any WARN too),
2 on wrong arguments, else 0. A WARN is worth a look but legal: labels outside the image, mixed image sizes, a
session without a video, audio, a GOP longer than one frame, a pending app migration; so ``--strict`` fails most
good projects.

Nothing is written inside TARGET, and the last check proves it by size, inode and times of every path; the app's
state and the trained models go to a temporary folder.

===================  ==========================================================================================
module               checks
===================  ==========================================================================================
project_yaml         the app's model of project.yaml; view names, keypoint names, skeleton
config               hydra composes it, LP validates it, its paths lead to TARGET, its views are project.yaml's
labels               LP's parser of CollectedData; header, names, index, images, context frames; views row by row
dataset              LP builds dataset, data module and model; every item is read; PCA losses are fitted
videos               h264, yuv420p, constant rate; counted = decodable frames; listing per session and view;
                     labeled images against the video frame of their index
calibration          camera names in view order
queue                the app's labeling queue
app                  the app's server code through a test client: paths, stats, validators, ffprobe, migrations
training             ``litpose train`` on the CPU, then prediction of a frame and of a video; with
                     ``--as-written`` with the batch size, image size, backbone and evaluation that the config has
===================  ==========================================================================================

What is patched, never project data, stands in :mod:`lp_judge.sandbox`.

Not covered: GPU and DALI decoding, semi-supervised training steps, the app's browser code, and whether the labels
equal those of the DeepLabCut source.
"""
