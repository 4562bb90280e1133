#!/bin/bash
# A batch without Snakemake: one array task per run.
#
#   plan=$(.venv/bin/python -m fashion_lib batch-plan --methods all --seeds 0-4)
#   runs=$(grep -c '"kind": "run"' "$plan")
#   sbatch --array=0-$((runs - 1))%16 batch/slurm_array.sh "$plan"
#
# A task whose run is finished ends at once, and one that was preempted goes on from its last checkpoint. So the same
# three lines may be submitted again at any time, also beside Snakemake: a run is trained by one process only.
#SBATCH --job-name=fashion
#SBATCH --partition=gpu
##SBATCH --account=NAME
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --mem=32G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=build/slurm-%A_%a.log
#SBATCH --signal=B:TERM@60
set -eu
plan=$1
python=${FASHION_PYTHON:-.venv/bin/python}
export FASHION_THREADS=${FASHION_THREADS:-1} FASHION_PROGRESS=${FASHION_PROGRESS:-60} PYTHONUNBUFFERED=1
# Pixels are drawn on the node's own disk where there is one.
if [ -n "${SLURM_TMPDIR:-}" ]; then export FASHION_CACHE="$SLURM_TMPDIR/cache"; fi
"$python" -m fashion_lib.workflow.step "$plan" "$SLURM_ARRAY_TASK_ID" --log &
step=$!
# A minute before the time is over SLURM sends TERM: the task goes back into the queue and on from its checkpoint.
trap 'kill -TERM "$step"; wait "$step" || true
      scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"; exit 0' TERM
wait "$step"
