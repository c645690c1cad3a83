module sluice

go 1.26.0

require (
	// What the journal is stored in: sorted tables, checksums, atomic cuts, compaction. BSD-3-Clause.
	github.com/cockroachdb/pebble/v2 v2.1.7
	// The keyed hash of what is on disk, for which maphash has no key that outlives the process. CC0-1.0.
	github.com/dchest/siphash v1.2.3
	// Replies read back for requests that come again: what may be lost lives in it. Apache-2.0.
	github.com/dgraph-io/ristretto/v2 v2.4.2
	// The grammar of rules, and the VM that gives them their meaning. MIT.
	github.com/expr-lang/expr v1.17.8
	// Changed rule files are noticed by it. BSD-3-Clause.
	github.com/fsnotify/fsnotify v1.10.1
	// Reads .gz files in a little over half the time of the standard library. BSD-3-Clause.
	github.com/klauspost/compress v1.20.3
	// Metrics. Apache-2.0.
	github.com/prometheus/client_golang v1.25.0
	// Tests run the program as its user does (testscript). BSD-3-Clause.
	github.com/rogpeppe/go-internal v1.16.0
	// Tests validate records and shipped files against the JSON Schemas with it. Apache-2.0.
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	// Kafka: connections, TLS, SASL, groups, topics; Fetch and Produce go over its transport. MIT.
	github.com/segmentio/kafka-go v0.4.51
	// What the demo and the tests write and read with, so that Sluice's own client is not its witness. BSD-3-Clause.
	github.com/twmb/franz-go v1.22.2
	// Tests look at groups and topics with it. BSD-3-Clause.
	github.com/twmb/franz-go/pkg/kadm v1.19.0
	// The embedded broker of the demo and of the fast tests. BSD-3-Clause.
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c
	// Tests make the embedded broker answer badly with it. BSD-3-Clause.
	github.com/twmb/franz-go/pkg/kmsg v1.15.0
	// YAML with positions, under configs/strict. MIT and Apache-2.0.
	go.yaml.in/yaml/v3 v3.0.6
	// Whether there is a terminal, and its size. BSD-3-Clause.
	golang.org/x/term v0.47.0
)

require (
	github.com/DataDog/zstd v1.5.7 // indirect
	github.com/RaduBerinde/axisds v0.1.0 // indirect
	github.com/RaduBerinde/btreemap v0.0.0-20250419174037-3d62b7205d54 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/cockroachdb/crlib v0.0.0-20241112164430-1264a2edc35b // indirect
	github.com/cockroachdb/errors v1.11.3 // indirect
	github.com/cockroachdb/logtags v0.0.0-20230118201751-21c54148d20b // indirect
	github.com/cockroachdb/redact v1.1.5 // indirect
	github.com/cockroachdb/swiss v0.0.0-20260820225851-333444432258 // indirect
	github.com/cockroachdb/tokenbucket v0.0.0-20230807174530-cc333fc44b06 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/getsentry/sentry-go v0.27.0 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/snappy v0.0.5-0.20231225225746-43d5d4cd4e0e // indirect
	github.com/kr/pretty v0.3.1 // indirect
	github.com/kr/text v0.2.0 // indirect
	github.com/minio/minlz v1.0.1-0.20250507153514-87eb42fe8882 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/xdg-go/pbkdf2 v1.0.0 // indirect
	github.com/xdg-go/scram v1.1.2 // indirect
	github.com/xdg-go/stringprep v1.0.4 // indirect
	golang.org/x/exp v0.0.0-20230626212559-97b1e661b5df // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	golang.org/x/tools v0.49.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
