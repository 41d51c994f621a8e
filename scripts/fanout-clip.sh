#!/usr/bin/env bash
# Makes the clip that `make bench ONLY=sfu` fans out, once: 20 s of busy 720p at 1.8 Mbit/s, H.264 as a host's browser would send
# it (no B-frames, a keyframe every two seconds) and Opus at 64 kbit/s. Usage: fanout-clip.sh [folder]
set -euo pipefail
folder=${1:-target/media}
mkdir -p "$folder"
if [ ! -s "$folder/fanout.h264" ]; then
  ffmpeg -hide_banner -loglevel error -y -f lavfi -i mandelbrot=size=1280x720:rate=30 -f lavfi -i testsrc2=size=1280x720:rate=30 \
    -filter_complex '[0:v][1:v]blend=all_mode=average,format=yuv420p' -frames:v 600 \
    -c:v libx264 -preset veryfast -tune zerolatency -profile:v baseline -g 60 -bf 0 -b:v 1800k -maxrate 1800k -bufsize 900k \
    -x264-params aud=1:scenecut=0:repeat-headers=1:sliced-threads=0 -f h264 "$folder/fanout.part"
  mv "$folder/fanout.part" "$folder/fanout.h264"
fi
if [ ! -s "$folder/fanout.ogg" ]; then
  ffmpeg -hide_banner -loglevel error -y -f lavfi -i 'aevalsrc=0.3*sin(2*PI*(220+40*sin(2*PI*t/5))*t)+0.05*(random(0)-0.5):s=48000:c=stereo' -t 20 \
    -c:a libopus -b:a 64k -frame_duration 20 -f ogg "$folder/fanout.part"
  mv "$folder/fanout.part" "$folder/fanout.ogg"
fi
