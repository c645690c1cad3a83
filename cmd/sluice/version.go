package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCommand says what this program was built from, and by what.
func versionCommand(_ context.Context, args []string, c console) error {
	f := flags("version", "", c)
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return misused(f, "it takes no arguments")
	}
	version := "(devel)" // of a build outside of the repository
	if built, ok := debug.ReadBuildInfo(); ok && built.Main.Version != "" {
		version = built.Main.Version
	}
	_, err = fmt.Fprintf(c.out, "sluice %s (%s %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
