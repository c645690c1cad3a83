package main

import (
	"io/fs"

	"sluice/configs"
	"sluice/scoring/event"
)

// loadSchema reads an event schema; without a file it is the card and wallet
// payment that comes with Sluice.
func loadSchema(file string) (*event.Schema, error) {
	if file != "" {
		return event.LoadSchema(file)
	}
	src, err := configs.FS.ReadFile("schema.yaml")
	if err != nil {
		return nil, err
	}
	return event.ParseSchema("schema.yaml", src, func(path string) ([]byte, error) { return fs.ReadFile(configs.FS, path) })
}
