#!/bin/sh
# An ffmpeg that reads no faster than RATE times the video's own time, so that it can be met in the middle and takes no CPU.
# What it writes is the same.
case " $* " in
*" -i "*) exec "$REAL_FFMPEG" -readrate "$RATE" "$@" ;;
*) exec "$REAL_FFMPEG" "$@" ;;
esac
