package main

import (
	"cmp"
	"encoding"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/country"
	"github.com/beforehand-go/beforehand/receive"
)

// addWays adds the flags about the ways in over HTTP.
func (c *appConfig) addWays(f *flagSet) {
	f.StringVar(&c.ways.Script, "script", "b", "`name` of the script and the picture in URLs: /NAME.js, /NAME.gif")
	f.Var(networksFlag{&c.ways.Proxies.Trusted}, "trusted-proxies", "`addresses` or ranges of proxies in front that tell who asked, with commas between them (default: none)")
	f.StringVar(&c.ways.Countries, "countries", "", "`file` of countries in MaxMind's format, .mmdb (default: the table in the program)")
	f.StringVar(&c.ways.Machines, "data-centres", "", "`file` of ranges of addresses, one a line, in which no person sits (default: none)")
}

// preferFlags lets flags that were given stand in place of the file's words.
func (c *appConfig) preferFlags(f *flagSet) {
	if f.Changed("script") {
		c.file.Script = c.ways.Script
	}
	if f.Changed("trusted-proxies") {
		c.file.Proxies.Trusted = c.ways.Proxies.Trusted
	}
}

// openPlaces opens what tells of addresses.
func (a *app) openPlaces(c appConfig, intake *collect.Intake) (err error) {
	intake.Country = country.Embedded
	if path := cmp.Or(c.ways.Countries, c.file.Path(c.file.Countries)); path != "" {
		if a.lands, err = country.Open(path); err != nil {
			return err
		}
		intake.Country = a.lands.Country
	}
	path := cmp.Or(c.ways.Machines, c.file.Path(c.file.Machines))
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open data centres: %w", err)
	}
	defer file.Close()
	if intake.Machines, err = collect.ReadNetworks(file); err != nil {
		return fmt.Errorf("read data centres %s: %w", path, err)
	}
	return nil
}

// networksFlag is a flag of several ranges of addresses.
type networksFlag struct{ list *[]config.Network }

func (f networksFlag) Set(text string) error { return eachPart(text, f.list) }

func (f networksFlag) Type() string   { return "text" }
func (f networksFlag) String() string { return "" }

// eachPart reads each part of a text with commas into a list.
func eachPart[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](text string, list *[]T) error {
	for part := range strings.SplitSeq(text, ",") {
		var v T
		if err := P(&v).UnmarshalText([]byte(strings.TrimSpace(part))); err != nil {
			return err
		}
		*list = append(*list, v)
	}
	return nil
}

// receiver is what the ways in over HTTP need of the application.
func (c *appConfig) receiver(a *app) receive.Config {
	return receive.Config{
		Sites: a.collected(), Store: a.store, Counts: a.store, Intake: a.intake, Tokens: a.tokens,
		Proxies: c.proxies(),
		Script:  c.file.Script, Logger: c.log,
	}
}

// collected are the sites as the ways in know them.
func (a *app) collected() (sites collect.Sites) {
	for _, s := range a.sites {
		sites = append(sites, s.Site)
	}
	return sites
}

// proxies are those in front of the server.
func (c *appConfig) proxies() collect.Proxies {
	return collect.Proxies{Trusted: prefixes(c.file.Proxies.Trusted), Header: c.file.Proxies.Header}
}

func prefixes(networks []config.Network) (all []netip.Prefix) {
	for _, n := range networks {
		all = append(all, n.Prefix)
	}
	return all
}
