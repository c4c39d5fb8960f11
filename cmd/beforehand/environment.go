package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// variablePrefix begins the name of each variable of the environment that
// stands for a flag.
const variablePrefix = "BEFOREHAND_"

const variablesHelp = `
Each flag can be given as a variable of the environment, --trusted-proxies as
` + variablePrefix + `TRUSTED_PROXIES. A flag goes before its variable, a variable before
the configuration file.
`

// everywhere are the flags that every command takes from the environment: where
// everything is. The others are given to serve alone, since a variable must not
// choose what is deleted.
var everywhere = [...]string{"data", "config", "state", "pageviews", "key"}

// variable is the name of the variable that stands for a flag.
func variable(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that were not given from variables. An empty
// variable is as good as none.
func (f *flagSet) fromEnvironment() error {
	var errs []error
	f.VisitAll(func(flag *pflag.Flag) {
		text := os.Getenv(variable(flag.Name))
		if text == "" || flag.Changed || !f.reads(flag.Name) {
			return
		}
		if err := f.Set(flag.Name, text); err != nil {
			errs = append(errs, fmt.Errorf("variable %s: %w", variable(flag.Name), err))
		}
	})
	return errors.Join(errs...)
}

// reads tells whether a flag may be given as a variable.
func (f *flagSet) reads(flag string) bool {
	for _, name := range everywhere {
		if flag == name {
			return true
		}
	}
	return f.variables
}
