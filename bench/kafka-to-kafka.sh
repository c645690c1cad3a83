#!/usr/bin/env bash
# Measures `sluice serve` from Kafka to Kafka beside the naive Go peer, on the
# same broker, in the same run, round by round in turn. Both jobs are drained
# (1,466,282 transactions lie there already); then the light one is fed at a
# steady rate and every verdict is timed. Prints the tables of README.md.
#
#   bench/kafka-to-kafka.sh [ROUNDS]     3 by default
#
# SLUICE_PEERS       the peers' sources (default: ../shared/peers beside the
#                    repository); they are copied before anything is built
# SLUICE_TEST_DATA   the real data (default: ../shared/data)
# KAFKA_LIB          jars of Apache Kafka, as for .ci/kafka
# SLUICE_BENCH_DIR   scratch folder (default: a new one that is removed);
#                    a folder of yours keeps results.jsonl and all logs
# JOBS               what is drained (default: "light heavy")
# ENGINES            who, in turns (default: "naivego sluice"; sluice keeps no
#                    journal there, as the opponent keeps nothing; journal is
#                    sluice with its journal: see journal.sh)
# BASELINE           with whom the ratios compare (default: naivego)
# LATENCY_JOBS       what is fed (default: "light"; "" for none)
# LATENCY_SECONDS    measured at RATE, after WARM_SECONDS (60, 2000, 15)
set -euo pipefail

rounds=${1:-3}
repository=$(cd "$(dirname "$0")/.." && pwd)
sources=${SLUICE_PEERS:-${SLUICE_TEST_PEERS:-$repository/../shared/peers}}
export DATA=${SLUICE_TEST_DATA:-$repository/../shared/data}/handbook
jobs=${JOBS-light heavy}
engines=${ENGINES:-naivego sluice}
fed=${LATENCY_JOBS-light}
seconds=${LATENCY_SECONDS:-60} warm=${WARM_SECONDS:-15} rate=${RATE:-2000}
transactions=1466282
listen=${SLUICE_LISTEN:-127.0.0.1:18080}

die() { echo "kafka-to-kafka: $*" >&2; exit 1; }
say() { printf '%s  %s\n' "$(date +%T)" "$*" >&2; }

[ -e "$sources/tools/main.go" ] || die "no peers in $sources: set SLUICE_PEERS"
[ -e "$DATA/transactions.csv.gz" ] || die "no data in $DATA: set SLUICE_TEST_DATA"

if [ -n "${SLUICE_BENCH_DIR:-}" ]; then
	mkdir -p "$SLUICE_BENCH_DIR"
	dir=$(cd "$SLUICE_BENCH_DIR" && pwd)
else
	dir=$(mktemp -d)
fi
engine='' # process id of the one that is running

cleanup() {
	[ -z "$engine" ] || kill "$engine" 2>/dev/null || true
	"$repository/.ci/kafka" stop "$dir/kafka" || true
	[ -n "${SLUICE_BENCH_DIR:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

build() {
	rm -rf "$dir/peers" # they are built on a copy: the sources may be read-only
	mkdir -p "$dir/peers" "$dir/bin" "$dir/log"
	cp -r "$sources/tools" "$sources/naivego" "$sources/heavy_rules.json" "$dir/peers/"
	chmod -R u+w "$dir/peers"
	local peer
	for peer in tools naivego; do (cd "$dir/peers/$peer" && go build -o "$dir/bin/$peer" .); done
	(cd "$repository" && go build -o "$dir/bin/sluice" ./cmd/sluice && go build -o "$dir/bin/summary" bench/summary.go)
	tools=$dir/bin/tools
	heavy_reference=$DATA/heavy_ref.csv.gz
	if [ ! -e "$heavy_reference" ]; then
		heavy_reference=$dir/heavy_ref.csv.gz
		[ -e "$heavy_reference" ] || "$tools" heavyref "$dir/peers/heavy_rules.json" "$heavy_reference"
	fi
}

# configure JOB TX LABELS VERDICTS JOURNAL: the configuration of one run of
# sluice, in a consumer group of its own.
configure() {
	local rules=$repository/configs/handbook/rules labels=$3
	[ "$1" = light ] || { rules=$repository/configs/heavy/rules labels='""'; }
	cat >"$dir/sluice.yaml" <<CONFIG
brokers: $BROKER
group: bench-$(date +%s%N)
topics: {transactions: $2, labels: $labels, verdicts: $4, dead_letters: bench-dead-letters, alerts: bench-alerts}
schema: $repository/configs/handbook/schema.yaml
rules: $rules
listen: $listen
journal: {enabled: $5, dir: $dir/journal}
CONFIG
	rm -rf "$dir/journal"
}

# start ENGINE JOB drain|live TX LABELS VERDICTS
start() {
	local log=$dir/log/$1-$2-$3.log
	case $1 in
	sluice | journal)
		configure "$2" "$4" "$5" "$6" "$([ "$1" = journal ] && echo true || echo false)"
		"$dir/bin/sluice" serve --config "$dir/sluice.yaml" >"$log" 2>&1 &
		;;
	naivego) "$dir/bin/naivego" "$2" "$3" "$4" "$5" "$6" "$dir/peers/heavy_rules.json" >"$log" 2>&1 & ;;
	*) die "there is no engine $1: naivego, sluice, journal" ;;
	esac
	engine=$!
}

stop() {
	kill -0 "$engine" 2>/dev/null || die "it ended by itself, see its log: $(tail -n 3 "$dir"/log/*.log)"
	kill "$engine"
	wait "$engine" 2>/dev/null || true
	engine=''
}

drain() { # ENGINE JOB
	local reference=$DATA/verdicts_ref.csv.gz watched checked load
	[ "$2" = light ] || reference=$heavy_reference
	"$tools" topic verdicts LogAppendTime
	load=$(cut -d' ' -f1 /proc/loadavg)
	start "$1" "$2" drain tx labels verdicts
	watched=$("$tools" watch verdicts $transactions 300 "$(cat "$dir/kafka/pid")" "$engine")
	stop
	checked=$("$tools" check verdicts "$reference")
	echo "{\"kind\":\"drain\",\"engine\":\"$1\",\"job\":\"$2\",\"round\":$round,\"load\":$load,\"watch\":$watched,\"check\":$checked}" >>"$dir/results.jsonl"
}

feed() { # ENGINE JOB
	local topic timed load
	for topic in tx-live labels-live; do "$tools" topic $topic CreateTime; done
	"$tools" topic verdicts-live LogAppendTime
	start "$1" "$2" live tx-live labels-live verdicts-live
	sleep 5 # it joins its group and finds its leaders
	load=$(cut -d' ' -f1 /proc/loadavg)
	timed=$("$tools" feed tx-live labels-live verdicts-live "$rate" "$warm" "$seconds")
	stop
	echo "{\"kind\":\"latency\",\"engine\":\"$1\",\"job\":\"$2\",\"round\":$round,\"load\":$load,\"rate\":$rate,\"feed\":$timed}" >>"$dir/results.jsonl"
}

say "building in $dir"
build
"$repository/.ci/kafka" stop "$dir/kafka" 2>/dev/null || true
"$repository/.ci/kafka" start "$dir/kafka" >"$dir/broker"
BROKER=$(sed -n 's/^BROKER=//p' "$dir/broker")
export BROKER
if [ -n "$jobs" ]; then
	say "loading $transactions transactions into $BROKER"
	"$tools" load >&2
fi
: >"$dir/results.jsonl"
for round in $(seq "$rounds"); do
	# Whoever came second comes first in the next round.
	[ "$round" = 1 ] || engines=$(tr ' ' '\n' <<<"$engines" | tac | paste -sd ' ')
	for job in $jobs; do
		for e in $engines; do
			say "round $round: $e drains $job"
			drain "$e" "$job"
		done
	done
	for job in $fed; do
		for e in $engines; do
			say "round $round: $e is fed $job, $rate/s"
			feed "$e" "$job"
		done
	done
done
"$dir/bin/summary" -baseline "${BASELINE:-naivego}" "$dir/results.jsonl"
