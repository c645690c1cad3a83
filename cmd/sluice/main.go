// Command sluice decides payments in real time: transactions in, verdicts out,
// by rules that see what card, account, device and merchant did before.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"sluice/configs/strict"
)

// Exit codes of every subcommand.
const (
	exitOK    = 0
	exitFault = 1 // what was asked for failed, or faults were found
	exitUsage = 2
)

// errUsage marks a fault of the command line; the message has been printed.
var errUsage = errors.New("usage")

// errFaults marks an end whose cause has been printed.
var errFaults = errors.New("faults")

// console is where a subcommand talks to its user.
type console struct {
	out io.Writer
	err *messages
	env func(string) (string, bool)
}

// command is one subcommand.
type command struct {
	name, synopsis string
	run            func(ctx context.Context, args []string, c console) error
}

func commands() []command {
	return []command{
		{"demo", "watch Sluice decide simulated payments, attacks among them", demoCommand},
		{"serve", "decide transactions from Kafka and HTTP", serveCommand},
		{"check", "find every fault in rule files", checkCommand},
		{"test", "run the examples of rule files", testCommand},
		{"backtest", "run rules over past transactions, of files or topics", backtestCommand},
		{"explain", "say why a transaction got its verdict", explainCommand},
		{"load", "send files of transactions and labels to Kafka", loadCommand},
		{"lists", "look at the lists of a running Sluice and change them", listsCommand},
		{"snooze", "keep a rule of a running Sluice from acting on one entity", snoozeCommand},
		{"rules", "look at the last rule sets of a running Sluice, and go back to one", rulesCommand},
		{"journal", "look at what serve has written to its disk", journalCommand},
		{"version", "say what this program was built from", versionCommand},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{os.Stdout, messagesTo(os.Stderr), os.LookupEnv})
	stop()
	os.Exit(code)
}

// run finds the subcommand and turns its end into an exit code.
func run(ctx context.Context, args []string, c console) int {
	if len(args) == 0 {
		usage(c.err)
		return exitUsage
	}
	for _, cmd := range commands() {
		if cmd.name == args[0] {
			return exitCode(cmd.run(ctx, args[1:], c), c.err)
		}
	}
	if args[0] == "--version" {
		return run(ctx, append([]string{"version"}, args[1:]...), c)
	}
	if args[0] == "help" && len(args) == 2 {
		return run(ctx, []string{args[1], "-h"}, c)
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(c.out)
		return exitOK
	}
	fmt.Fprintf(c.err, "sluice: there is no command %q\n", args[0])
	usage(c.err)
	return exitUsage
}

func exitCode(err error, w io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errFaults):
		return exitFault
	}
	fmt.Fprintf(w, "sluice: %v\n", err)
	return exitFault
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Sluice decides payments in real time.\n\nUsage: sluice COMMAND [FLAGS]\n\n")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", cmd.name, cmd.synopsis)
	}
	fmt.Fprint(w, "\nsluice COMMAND -h tells the flags of a command.\n")
}

// flags makes the flag set of a subcommand; synopsis is its line of arguments.
func flags(name, synopsis string, c console) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(c.err)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "Usage: sluice %s %s\n", name, synopsis)
		printFlags(f)
	}
	return f
}

// printFlags lists flags as they are written in the documentation: with two dashes.
func printFlags(f *flag.FlagSet) {
	var b bytes.Buffer
	w := f.Output()
	f.SetOutput(&b)
	f.PrintDefaults()
	f.SetOutput(w)
	for line := range strings.Lines(b.String()) {
		if rest, ok := strings.CutPrefix(line, "  -"); ok {
			line = "  --" + rest
		}
		fmt.Fprint(w, line)
	}
}

// parse reads a subcommand's arguments, flags and others in any order, and
// returns the others.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := parseFlags(f, args); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

// parseFlags reads the flags up to the next argument. Package flag would print
// them all where one is wrong, and the message above that.
func parseFlags(f *flag.FlagSet, args []string) error {
	out, usage := f.Output(), f.Usage
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	err := f.Parse(args)
	f.SetOutput(out)
	f.Usage = usage
	switch {
	case err == nil:
		return nil
	case errors.Is(err, flag.ErrHelp):
		usage()
		return err
	}
	return misused(f, "%s", flagFault(f, err))
}

// flagFault says in our words what package flag says of a flag.
func flagFault(f *flag.FlagSet, err error) string {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		var names []string
		f.VisitAll(func(g *flag.Flag) { names = append(names, g.Name) })
		if near := strict.Suggest(name, names); near != "" {
			return fmt.Sprintf("there is no flag --%s, did you mean --%s?", name, near)
		}
		return "there is no flag --" + name
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
		return "--" + name + " needs a value"
	}
	var value, name string
	if _, scanned := fmt.Sscanf(err.Error(), "invalid value %q for flag -%s", &value, &name); scanned == nil { // of a number: others are read as text
		return fmt.Sprintf("--%s: %q is no number", strings.TrimSuffix(name, ":"), value)
	}
	return err.Error()
}

// misused says what is wrong with a command line.
func misused(f *flag.FlagSet, format string, args ...any) error {
	fmt.Fprintf(f.Output(), "sluice %s: %s\nsluice %s -h tells the flags\n", f.Name(), fmt.Sprintf(format, args...), f.Name())
	return errUsage
}
