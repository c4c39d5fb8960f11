package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// flagSet is a command's flags and what they mean.
type flagSet struct {
	*pflag.FlagSet
	usage string
}

func newFlags(usage string) *flagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	return &flagSet{f, usage}
}

// parse parses the arguments of a command that takes at most `most` operands.
// Asked for help it prints it and returns exitCode 0.
func (f *flagSet) parse(s stdio, args []string, most int) error {
	err := f.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(s.out, "usage: beforehand %s\n\n%s", f.usage, f.FlagUsages())
		return exitCode(0)
	}
	if err != nil {
		return usageError{err}
	}
	if f.NArg() > most {
		return usageError{fmt.Errorf("unexpected argument %q", f.Arg(most))}
	}
	return nil
}

// siteFlags are the flags that every command on a data directory has.
type siteFlags struct {
	data, site, zone string
}

func (v *siteFlags) add(f *flagSet, data string) {
	f.StringVar(&v.data, "data", data, "`directory` that holds everything; made when it is not there")
	f.StringVar(&v.site, "site", "default", "`name` of the site")
	f.StringVar(&v.zone, "zone", "", "time `zone` of the site's days, such as Europe/London (default: this machine's)")
}

// check refuses a name that does not fit into a path of the server.
func (v *siteFlags) check() error {
	ok := v.site != "" && len(v.site) <= 64 && !strings.ContainsFunc(v.site, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if !ok {
		return usageError{fmt.Errorf("site name %q: use letters, digits, - and _, at most 64", v.site)}
	}
	if v.zone != "" {
		if _, err := time.LoadLocation(v.zone); err != nil || v.zone == "Local" {
			return usageError{fmt.Errorf("unknown time zone %q: use a name like Europe/London", v.zone)}
		}
	}
	return nil
}

// zoneName is the zone asked for, or this machine's.
func (v *siteFlags) zoneName() string {
	if v.zone != "" {
		return v.zone
	}
	if name := time.Local.String(); name != "Local" && name != "" {
		return name
	}
	// The name of the zone is not in time.Local; it is where the link leads.
	if target, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(target, "/zoneinfo/"); ok {
			if _, err := time.LoadLocation(name); err == nil {
				return name
			}
		}
	}
	if text, err := os.ReadFile("/etc/timezone"); err == nil {
		if name := strings.TrimSpace(string(text)); name != "" {
			if _, err := time.LoadLocation(name); err == nil {
				return name
			}
		}
	}
	return "UTC"
}

// addListen adds the flag for the address to serve on.
func addListen(f *flagSet, listen *string) {
	f.StringVar(listen, "listen", "localhost:8080", "`host:port` to serve on")
}

// checkListen refuses what is no address before anything is opened.
func checkListen(listen string) error {
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return usageError{fmt.Errorf("listen address %q: use host:port, such as localhost:8080", listen)}
	}
	return nil
}
