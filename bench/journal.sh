#!/usr/bin/env bash
# Measures what the journal costs: `sluice serve` drains 1,466,282 transactions
# with its journal and without, and is then fed at a steady rate, in turns, on
# the same broker, in the same run. Prints the tables of README.md; the ratios
# compare with the run without of the same round.
#
#   bench/journal.sh [ROUNDS]     6 by default
#
# kafka-to-kafka.sh does the work; its head names what can be set.
set -euo pipefail
export ENGINES="sluice journal" BASELINE=sluice JOBS=${JOBS-light heavy} LATENCY_JOBS=${LATENCY_JOBS-light}
exec "$(dirname "$0")/kafka-to-kafka.sh" "${1:-6}"
