// Command beforehand counts a site's pageviews, computes its charts and hot
// list on a schedule, and hands every reader the last finished result.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/beforehand-go/beforehand/pageview"
)

// stdio is what a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// command is one of the program's commands. Its run returns a usageError for
// wrong arguments and exitCode when everything was said already.
type command struct {
	name, summary string
	run           func(ctx context.Context, s stdio, args []string) error
}

func commands() []command {
	return []command{
		{"demo", "fill a made-up blog with a year of pageviews and serve it", runDemo},
		{"serve", "serve the reports of a data directory", runServe},
		{"healthy", "tell whether the server of a data directory is ready", runHealthy},
		{"import", "read access logs into a data directory", runImport},
		{"backup", "copy a data directory, while a server may run", runBackup},
		{"restore", "make a data directory of a backup", runRestore},
		{"export", "write all pageviews to Parquet or CSV files", runExport},
		{"delete", "delete a site with all its pageviews", runDelete},
		{"move", "take everything to other engines and back", runMove},
		{"check", "tell whether numbers added up beforehand agree with the pageviews", runCheck},
		{"rebuild", "add up the pageviews anew where they do not", runRebuild},
		{"run", "compute a report that the configuration declares, and print it", runRun},
		{"check-config", "check the configuration and what it names", runCheckConfig},
		{"calendar", "list, set and remove the calendars that triggers name", runCalendar},
		{"trace", "show the whole way of the numbers of a report", runTrace},
		{"trigger", "tell when a trigger is due, and why", runTrigger},
		{"script", "print the element that puts the script on a page", runScript},
		{"user", "make, list and change the users who may sign in", runUser},
		{"token", "make, list and revoke tokens of the API", runToken},
		{"outbox", "list mails and webhooks, and let one be tried again", runOutbox},
		{"version", "print the version", runVersion},
	}
}

// exitCode ends the program with a status; the reason was printed already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// usageError is an error of how a command was called.
type usageError struct{ error }

// goMemory is how much memory in bytes the program takes beside DuckDB's, as
// long as what it holds fits into that.
const goMemory = 384 << 20

// collectSeldom trades memory for time: a tenth of what a pageview costs was the
// collection of garbage. The owner's GOGC and GOMEMLIMIT go before it.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(goMemory)
	}
}

func main() {
	collectSeldom()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, stdio{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run carries out a command line and returns the exit status: 0 when it did
// what was asked, 1 when it could not, 2 when it was called wrongly.
func run(ctx context.Context, s stdio, args []string) int {
	if len(args) == 0 {
		printUsage(s.err)
		return 2
	}
	switch args[0] {
	case "help", "-h", "--help":
		printUsage(s.out)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return report(s, c, c.run(ctx, s, args[1:]))
		}
	}
	fmt.Fprintf(s.err, "beforehand: unknown command %q\n", args[0])
	fmt.Fprintf(s.err, "hint: beforehand help lists the commands\n")
	return 2
}

// report prints why a command failed and gives its exit status.
func report(s stdio, c command, err error) int {
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintf(s.err, "beforehand %s: %v\n", c.name, err)
		fmt.Fprintf(s.err, "hint: beforehand %s --help explains the flags\n", c.name)
		return 2
	}
	fmt.Fprintf(s.err, "beforehand %s: %v\n", c.name, err)
	if isFull(err) {
		fmt.Fprintf(s.err, "hint: make room on the disk and run the same command again; what was committed is kept\n")
	}
	return 1
}

// isFull tells whether a disk is full, whichever engine found out, here or in
// the server, of whose error only the text arrives.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), pageview.ErrFull.Error()) ||
		strings.Contains(err.Error(), "database or disk is full")
}

func printUsage(w io.Writer) {
	fmt.Fprint(w, "beforehand makes slow statistics pages instant\n\nusage: beforehand COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-12s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nbeforehand COMMAND --help explains the flags of a command\n")
}

func runVersion(_ context.Context, s stdio, args []string) error {
	if err := newFlags("version").parse(s, args, 0); err != nil {
		return err
	}
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	_, err := fmt.Fprintf(s.out, "beforehand %s\n", version)
	return err
}
