package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/account/argon"
	"github.com/beforehand-go/beforehand/config"
)

const userUsage = `user [flags] add NAME | list | passwd NAME | role NAME | reset-totp NAME | remove NAME

Makes, lists and changes the users who may sign in, also for who is locked out. A
password is asked for at a terminal, else read as the first line of the input.
A running server takes note within a second.`

// userFlags are the flags of the user command.
type userFlags struct {
	placeFlags
	role, site string
}

// userVerbs are what the user command does, and whether it takes a name.
var userVerbs = map[string]bool{"add": true, "list": false, "passwd": true, "role": true, "reset-totp": true, "remove": true}

func runUser(ctx context.Context, s stdio, args []string) error {
	var v userFlags
	f := keepFlags(userUsage, &v.placeFlags)
	f.StringVar(&v.role, "role", string(account.Owner), "`role` of a new user, or the one to set: viewer, editor, owner, or none")
	f.StringVar(&v.site, "site", account.Everywhere, "`name` of the site that the role is for; * is every site")
	if err := f.parse(s, args, 2); err != nil {
		return err
	}
	verb, name := f.Arg(0), f.Arg(1)
	named, known := userVerbs[verb]
	switch {
	case !known:
		return usageError{errors.New("say what to do: add NAME, list, passwd NAME, role NAME, reset-totp NAME, or remove NAME")}
	case named && name == "":
		return usageError{fmt.Errorf("name the user to %s", verb)}
	case !named && name != "":
		return usageError{fmt.Errorf("unexpected argument %q", name)}
	}
	if err := v.check(verb); err != nil {
		return usageError{err}
	}
	if verb == "add" {
		if err := account.CheckName(account.CleanName(name)); err != nil {
			return usageError{err}
		}
	}
	var password string
	if verb == "add" || verb == "passwd" {
		var err error
		if password, err = readPassword(s); err != nil {
			return err
		}
	}
	err := withState(ctx, v.placeFlags, verb == "add", func(state stateStore) error {
		d := account.NewDesk(account.Config{Store: state.Accounts(), Hasher: argon.New(argon.Default())})
		return v.do(ctx, s, d, verb, name, password)
	})
	if errors.Is(err, account.ErrUnknown) {
		return fmt.Errorf("there is no user %q; beforehand user list names them", name)
	}
	return err
}

// check refuses what is no role, or no site.
func (v *userFlags) check(verb string) error {
	if v.site != account.Everywhere {
		if err := config.CheckName(v.site); err != nil {
			return err
		}
	}
	if verb == "role" && v.role == "none" {
		return nil
	}
	return account.CheckRole(account.Role(v.role))
}

// do carries out what the command was asked for.
func (v *userFlags) do(ctx context.Context, s stdio, d *account.Desk, verb, name, password string) error {
	role := account.Role(v.role)
	if v.role == "none" {
		role = ""
	}
	switch verb {
	case "list":
		return listUsers(ctx, s.out, d)
	case "add":
		return d.Add(ctx, name, password, map[string]account.Role{v.site: role})
	case "passwd":
		return d.SetPassword(ctx, name, password)
	case "role":
		return d.SetRole(ctx, account.Actor{}, name, v.site, role)
	case "reset-totp":
		return d.ResetTOTP(ctx, account.Actor{}, name)
	}
	return d.Remove(ctx, account.Actor{}, name)
}

// maxInput is how much of the input a password may take, in bytes.
const maxInput = 4 << 10

// readPassword asks for a password at a terminal, without showing it, or reads
// the first line of the input.
func readPassword(s stdio) (string, error) {
	if file, ok := s.in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return askPassword(s.err, int(file.Fd()))
	}
	line, err := bufio.NewReader(io.LimitReader(s.in, maxInput)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func askPassword(w io.Writer, terminal int) (string, error) {
	var typed [2]string
	for i, prompt := range []string{"password: ", "the same again: "} {
		fmt.Fprint(w, prompt)
		text, err := term.ReadPassword(terminal)
		fmt.Fprintln(w)
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same")
	}
	return typed[0], nil
}

func listUsers(ctx context.Context, w io.Writer, d *account.Desk) error {
	users, err := d.Users(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "NAME\tROLES\tAUTHENTICATOR\tSIGNED IN")
	for _, u := range users {
		var roles []string
		for _, site := range slices.Sorted(maps.Keys(u.Roles)) {
			roles = append(roles, string(u.Roles[site])+"@"+site)
		}
		totp, last := "no", "never"
		if u.HasTOTP() {
			totp = "yes"
		}
		if !u.SignedIn.IsZero() {
			last = u.SignedIn.Format(time.DateTime)
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", u.Name, strings.Join(roles, ","), totp, last)
	}
	return out.Flush()
}
