package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/move"
	"github.com/beforehand-go/beforehand/postgres"
)

const moveUsage = `move [flags]

Takes what is kept to other engines, and compares both afterwards. Nothing is
deleted where it was.

While a server runs on the data directory, the pageviews that it has are copied
and it goes on. With the server stopped, the same command copies what came
since, and the state. A move that was cut off goes on where it was.`

// moveFlags are the flags of the move command.
type moveFlags struct {
	placeFlags
	toState, toPageviews string
}

func runMove(ctx context.Context, s stdio, args []string) error {
	var v moveFlags
	f := keepFlags(moveUsage, &v.placeFlags)
	f.StringVar(&v.toState, "to-state", "", "`URL` of the PostgreSQL that is to keep the state, or sqlite for the data directory")
	f.StringVar(&v.toPageviews, "to-pageviews", "", "`URL` of the ClickHouse that is to keep the pageviews, or duckdb for the data directory")
	if err := f.parse(s, args, 0); err != nil {
		return err
	}
	if v.toState == "" && v.toPageviews == "" {
		return usageError{errors.New("say what to move, with --to-state, --to-pageviews or both")}
	}
	file, err := v.readFile()
	if err != nil {
		return err
	}
	from, err := v.engines(file)
	if err != nil {
		return err
	}
	to, err := v.target(from)
	if err != nil {
		return usageError{err}
	}
	dir, err := datadir.Open(v.data, "move")
	var inUse *datadir.InUseError
	if errors.As(err, &inUse) {
		return v.moveBesideServer(ctx, s, from, to, inUse)
	}
	if err != nil {
		return err
	}
	m := mover{dir: dir, from: from, to: to, out: s.out, progress: newProgress(s.err)}
	return errors.Join(m.all(ctx), dir.Close())
}

// target says where everything is to be in the end.
func (v *moveFlags) target(from engines) (to engines, err error) {
	there := placeFlags{state: v.toState, pageviews: v.toPageviews}
	if there.state == "sqlite" {
		there.state = ""
	}
	if there.pageviews == "duckdb" {
		there.pageviews = ""
	}
	if to, err = there.checked(); err != nil {
		return to, err
	}
	if v.toState == "" {
		to.state = from.state
	} else if to.state == from.state {
		return to, errors.New("--to-state: the state is there already")
	} else if to.state != "" && from.state != "" {
		return to, errors.New("--to-state: from one PostgreSQL to another state is taken by pg_dump")
	}
	if v.toPageviews == "" {
		to.pageviews = from.pageviews
	} else if to.pageviews == from.pageviews {
		return to, errors.New("--to-pageviews: the pageviews are there already")
	}
	return to, nil
}

// moveBesideServer has the server that holds the directory copy its pageviews.
func (v *moveFlags) moveBesideServer(ctx context.Context, s stdio, from, to engines, inUse error) error {
	if to.pageviews == from.pageviews {
		return fmt.Errorf("%w: stop it, since state is moved when nobody works on it", inUse)
	}
	r, err := dialServer(ctx, appConfig{siteFlags: siteFlags{placeFlags: v.placeFlags}})
	if err != nil {
		return fmt.Errorf("%w, which moves nothing: wait until it has ended, or stop it", inUse)
	}
	defer r.client.CloseIdleConnections()
	p := newProgress(s.err)
	body := strings.NewReader(url.Values{"pageviews": {to.pageviews}}.Encode())
	m, err := r.post(ctx, "/move", body, func(now collect.Progress) { p.show(now.Committed, 0, 0) })
	p.end()
	if err == nil && m.Error != "" {
		err = errors.New(m.Error)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "copied %s pageviews while the server went on\nnow stop the server and give the same command again, which copies what came since\n", number.Grouped(m.Copied))
	return err
}

// Move implements server.Keeper: it copies the pageviews that are there.
func (k *keeper) Move(ctx context.Context, to string, progress func(copied int64)) (copied int64, err error) {
	v := placeFlags{pageviews: to}
	there, err := v.checked()
	if err != nil {
		return 0, err
	}
	source, ok := k.store.(move.Source)
	if !ok || there.pageviews == "" {
		return 0, errors.New("pageviews are moved into a data directory while no server runs on it")
	}
	target, err := there.openPageviews(ctx, k.dir, nil, duckdb.Config{})
	if err != nil {
		return 0, err
	}
	p := move.Pageviews{From: source, To: target, Progress: func(n int64) {
		copied = n
		progress(n)
	}}
	return copied, errors.Join(p.New(ctx), target.Close())
}

// mover moves what nobody else works on.
type mover struct {
	dir      *datadir.Dir
	from, to engines
	out      io.Writer
	progress *progress
}

func (m *mover) all(ctx context.Context) error {
	if m.to.pageviews != m.from.pageviews {
		if err := m.pageviews(ctx); err != nil {
			return err
		}
	}
	if m.to.state != m.from.state {
		if err := m.state(ctx); err != nil {
			return err
		}
	}
	if err := m.agree(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(m.out, "moved; serve with the new --state and --pageviews, or their keys in the configuration, from now on")
	return err
}

func (m *mover) pageviews(ctx context.Context) (err error) {
	source, err := m.from.openPageviews(ctx, m.dir, nil, duckdb.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	from, ok := source.(move.Source)
	if !ok {
		return errors.New("the engine that has the pageviews cannot be read from its beginning")
	}
	target, err := m.to.openPageviews(ctx, m.dir, nil, duckdb.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	var copied int64
	p := move.Pageviews{From: from, To: target, Progress: func(n int64) {
		copied = n
		m.progress.show(n, 0, 0)
	}}
	err = errors.Join(p.New(ctx))
	m.progress.end()
	if err != nil {
		return err
	}
	if err := errors.Join(p.Rest(ctx), p.Compare(ctx)); err != nil {
		return err
	}
	totals, err := target.Totals(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(m.out, "pageviews: %s copied now, %s there, and both count the same by day, source and page\n", number.Grouped(copied), number.Grouped(totals.Pageviews))
	return err
}

func (m *mover) state(ctx context.Context) (err error) {
	toServer := m.to.state != ""
	dsn := m.to.state
	if !toServer {
		dsn = m.from.state
	}
	both, err := move.OpenState(ctx, m.dir.File(datadir.StateFile), dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, both.Close(context.WithoutCancel(ctx))) }()
	carry := both.ToFile
	if toServer {
		carry = both.ToServer
	}
	moved, err := carry(ctx)
	if err != nil {
		return err
	}
	for _, t := range moved {
		fmt.Fprintf(m.out, "state: %s rows of %s, the same on both sides\n", number.Grouped(t.Rows), t.Table)
	}
	return nil
}

// agree says in a shared state what its replicas must agree on from now on.
func (m *mover) agree(ctx context.Context) error {
	if !m.to.shared() {
		return nil
	}
	key, err := m.from.readKey(m.dir)
	if err != nil {
		return err
	}
	fact, err := m.to.pageviewsFact(m.dir)
	if err != nil {
		return err
	}
	state, err := postgres.Open(ctx, m.to.state)
	if err != nil {
		return err
	}
	return errors.Join(state.SetFact(ctx, "pageviews", fact), m.to.fits(ctx, state, m.dir, key), state.Close())
}
