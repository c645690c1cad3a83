package configs

import "embed"

// FS holds the default event schema (schema.yaml) and the rules that go with
// it (rules/): what the demo runs, and what works without any file.
//
//go:embed schema.yaml rules
var FS embed.FS
