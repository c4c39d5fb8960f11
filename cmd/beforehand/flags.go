package main

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/config"
	"github.com/spf13/pflag"
)

// flagSet is a command's flags and what they mean.
type flagSet struct {
	*pflag.FlagSet
	usage     string
	variables bool // each flag may be given as a variable of the environment
}

func newFlags(usage string) *flagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	return &flagSet{FlagSet: f, usage: usage}
}

// parse parses the arguments of a command that takes at most `most` operands.
// Asked for help it prints it and returns exitCode 0.
func (f *flagSet) parse(s stdio, args []string, most int) error {
	err := f.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(s.out, "usage: beforehand %s\n\n%s", f.usage, f.FlagUsages())
		if f.variables {
			fmt.Fprint(s.out, variablesHelp)
		}
		return exitCode(0)
	}
	if err == nil {
		err = f.fromEnvironment()
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
	placeFlags
	site string
	zone config.Zone
}

func (v *siteFlags) add(f *flagSet, data string) {
	f.StringVar(&v.data, "data", data, "`directory` that holds everything; made when it is not there")
	f.StringVar(&v.config, "config", "", "configuration `file` (default: "+config.FileName+" in the data directory, where there is one)")
	f.StringVar(&v.site, "site", "", "`name` of the site (default: the only one of the configuration, or \"default\")")
	f.Var(textFlag{&v.zone}, "zone", "time `zone` of the site's days, such as Europe/London (default: this machine's)")
}

// textFlag is a flag of a type that reads itself from text.
type textFlag struct {
	value interface {
		encoding.TextUnmarshaler
	}
}

func (f textFlag) Set(text string) error { return f.value.UnmarshalText([]byte(text)) }
func (f textFlag) Type() string          { return "text" }
func (f textFlag) String() string        { return "" }

// load reads the configuration file. Where it has no sites, the flags say what
// the only one is.
func (c *appConfig) load(f *flagSet) error {
	if c.site != "" {
		if err := config.CheckName(c.site); err != nil {
			return usageError{err}
		}
	}
	file, err := c.readFile()
	if err != nil {
		return err
	}
	c.file = file
	if c.kept, err = c.engines(file); err != nil {
		return err
	}
	if len(file.Sites) == 0 {
		c.single.Name, c.single.Zone = cmp.Or(c.site, "default"), c.zone
		file.Sites, c.alone = []config.Site{c.single}, true
		return nil
	}
	for _, name := range []string{"zone", "articles", "trigger"} {
		if f.Changed(name) {
			return usageError{fmt.Errorf("--%s: set it in %s, which names the sites", name, c.configPath())}
		}
	}
	return nil
}

// machineZone is the name of this machine's zone.
func machineZone() string {
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
