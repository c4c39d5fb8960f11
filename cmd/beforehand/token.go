package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/token"
)

const tokenUsage = `token [flags] create NAME | list | revoke NAME

Makes, lists and revokes the tokens of the API. A new token's secret is printed
once, and kept nowhere. A running server takes note within a second.`

// tokenFlags are the flags of the token command.
type tokenFlags struct {
	placeFlags
	scopes, sites []string
}

func runToken(ctx context.Context, s stdio, args []string) error {
	var v tokenFlags
	f := keepFlags(tokenUsage, &v.placeFlags)
	f.StringSliceVar(&v.scopes, "scope", []string{string(token.PageviewsWrite)}, "`scope` of a new token: pageviews:write, stats:read, jobs:read, jobs:write, or several with commas between")
	f.StringSliceVar(&v.sites, "site", nil, "`name` of a site that a new token is for; several with commas between (default: every site)")
	if err := f.parse(s, args, 2); err != nil {
		return err
	}
	verb, name := f.Arg(0), f.Arg(1)
	switch {
	case verb != "create" && verb != "list" && verb != "revoke":
		return usageError{errors.New("say what to do: create NAME, list, or revoke NAME")}
	case verb != "list" && name == "":
		return usageError{fmt.Errorf("name the token to %s", verb)}
	case verb == "list" && name != "":
		return usageError{fmt.Errorf("unexpected argument %q", name)}
	}
	t := token.Token{Name: name, Sites: v.sites, Created: time.Now()}
	for _, scope := range v.scopes {
		t.Scopes = append(t.Scopes, token.Scope(scope))
	}
	if verb == "create" {
		if err := checkToken(t); err != nil {
			return usageError{err}
		}
	}
	return withState(ctx, v.placeFlags, verb == "create", func(state stateStore) error {
		tokens, book := state.Tokens(), account.NewDesk(account.Config{Store: state.Accounts()})
		switch verb {
		case "create":
			if err := createToken(ctx, s.out, tokens, t); err != nil {
				return err
			}
			return book.Note(ctx, account.Entry{What: account.TokenMade, About: name})
		case "list":
			return listTokens(ctx, s.out, tokens)
		}
		if err := tokens.Revoke(ctx, name); err != nil {
			return err
		}
		return book.Note(ctx, account.Entry{What: account.TokenRevoked, About: name})
	})
}

func checkToken(t token.Token) error {
	for _, site := range t.Sites {
		if err := config.CheckName(site); err != nil {
			return err
		}
	}
	return t.Check()
}

// withState opens the state of a data directory. Several processes may, so that
// it works while a server runs.
func withState(ctx context.Context, v placeFlags, create bool, use func(stateStore) error) error {
	file, err := v.readFile()
	if err != nil {
		return err
	}
	kept, err := v.engines(file)
	if err != nil {
		return err
	}
	if create {
		if err := os.MkdirAll(v.data, 0o700); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
	} else if _, err := os.Stat(filepath.Join(v.data, datadir.StateFile)); !kept.shared() && err != nil {
		return fmt.Errorf("no data directory: %w; name it with --data", err)
	}
	state, err := kept.openState(ctx, v.data)
	if err != nil {
		return err
	}
	return errors.Join(use(state), state.Close())
}

func createToken(ctx context.Context, w io.Writer, tokens token.Store, t token.Token) error {
	secret := token.NewSecret()
	if err := tokens.Create(ctx, t, token.HashOf(secret)); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, secret)
	return err
}

func listTokens(ctx context.Context, w io.Writer, tokens token.Store) error {
	list, err := tokens.List(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "NAME\tSCOPES\tSITES\tCREATED\tUSED")
	for _, t := range list {
		var scopes []string
		for _, scope := range t.Scopes {
			scopes = append(scopes, string(scope))
		}
		sites, used := "all", "never"
		if len(t.Sites) > 0 {
			sites = strings.Join(t.Sites, ",")
		}
		if !t.Used.IsZero() {
			used = t.Used.Format(time.DateTime)
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", t.Name, strings.Join(scopes, ","), sites, t.Created.Format(time.DateTime), used)
	}
	return out.Flush()
}
