package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/beforehand-go/beforehand/receive"
)

func runScript(_ context.Context, s stdio, args []string) error {
	var name, site string
	var pinned bool
	f := newFlags("script [flags] URL\n\nPrints the element that puts the script on a page. URL is where the server is\nreached, such as https://stats.example.org.")
	f.StringVar(&name, "script", "b", "`name` of the script, as the server has it")
	f.StringVar(&site, "site", "", "`name` of the site (default: the site of the page's host)")
	f.BoolVar(&pinned, "pinned", false, "name this version of the script, with the hash that browsers check it against")
	if err := f.parse(s, args, 1); err != nil {
		return err
	}
	u, err := url.Parse(f.Arg(0))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(f.Arg(0), `"<> `) {
		return usageError{errors.New("give the URL of the server, such as https://stats.example.org")}
	}
	if err := receive.CheckName(name); err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprintln(s.out, receive.Tag(strings.TrimSuffix(f.Arg(0), "/"), name, site, pinned))
	return err
}
