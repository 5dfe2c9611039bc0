#!/bin/bash
# The whole programme of the study, step by step. Everything resumes: run a step again after a kill, and what is in
# docs/study/results.csv is never trained again. Nothing is committed.
#
#   benchmarks/study.sh                     all steps, in this order
#   benchmarks/study.sh grid                one or more steps by name
#   benchmarks/study.sh report              the report of what is finished; also beside a running step
#
# step     cells  what                                                        training on two cores, minutes
# grid     24     the four models, 1,000 and 10,000 images, three policies    ResNet-50 6 × 31, ResNet-18 6 × 8,
#                                                                             MobileNetV3 6 × 9, heatmaps 6 × 21
# seeds    8      seeds 1 and 2 of MobileNetV3 and PIPNet, none and all       4 × 9 + 4 × 8
# old      3      mobilenetv1-coordinates, 10,000 images                      not measured
# curves   8      100 … 10,000 images, all (resnet18-pip: two are in the      3 × 8 + 5 × 7 or less
#                 grid)
# long     2      mobilenetv3small-pip, 512,000 samples, 1,000 and 10,000     2 × 55 or less
# pair     2      mobilenetv3-coordinates, 256,000 samples, none and all      2 × 37
#
# From 64,000 samples a cell at 34 (ResNet-50), 142 (ResNet-18) and 115 (MobileNetV3-large) images/s, measured on two
# cores of an AMD EPYC at 128 px; of mobilenetv3small-pip, the slowest seen (7 minutes, two cells at a time); of heatmaps,
# half of the 42 minutes that a cell took beside another. Adapter and scores come on top. On two cores of an Intel Xeon
# that share one physical core, heatmaps take about 22 (48 images/s, two at a time).
#
# WORKERS cells (1) are trained at a time and share the cores: with 2 on two cores, one thread each, more is done in the
# same time. Set RENDERS (10,000 renders of one generator or more), HELD_OUT (renders of another seed, a folder
# `held_out`) and W300 (300-W: afw, and the train split for adapters), or have them at the places below. Made by
#   fauxface render renders/train --count 10000 --size 192 --seed 5 --recipe recipes/rendering/detector.yaml
#   fauxface render renders/held_out --count 300 --size 192 --seed 2 --recipe recipes/rendering/detector.yaml
set -euo pipefail
cd "$(dirname "$0")/.."
RENDERS=${RENDERS:-renders/train} HELD_OUT=${HELD_OUT:-renders/held_out} W300=${W300:-../shared/data/300w}
OUT=${OUT:-docs/study} WORKERS=${WORKERS:-1} FAUXFACE=${FAUXFACE:-.venv/bin/fauxface}

study() {
    "$FAUXFACE" study --data "$RENDERS" --test "$W300/afw" "$HELD_OUT" --out "$OUT" \
        --adapt-data "$W300" --adapt-split train --detector retinaface --workers "$WORKERS" "$@"
}
report() { study --seeds 1 --report; } # with the grid's settings: also after a step that asks for other cells
grid() { study --seeds 1; }
seeds() { study --models mobilenetv3-coordinates resnet18-pip --images 10000 --policies none all --seeds 3; }
old() { study --models mobilenetv1-coordinates --images 10000 --seeds 1; }
curves() {
    study --models mobilenetv3small-pip resnet18-pip --images 10000 --policies all --seeds 1 \
        --curve 100 300 1000 3000 10000
}
long() { study --models mobilenetv3small-pip --images 1000 10000 --policies all --seeds 1 --samples 512000; }
pair() { study --models mobilenetv3-coordinates --images 10000 --policies none all --seeds 1 --samples 256000; }

steps=("${@:-all}")
[ "${steps[*]}" = all ] && steps=(grid seeds old curves long pair)
for step in "${steps[@]}"; do
    case $step in
    grid | seeds | old | curves | long | pair)
        "$step"
        report
        ;;
    report) report ;;
    *)
        echo "no such step: $step (grid seeds old curves long pair report)" >&2
        exit 2
        ;;
    esac
done
