package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/web"
	"golang.org/x/sync/errgroup"
)

const serveUsage = `serve [flags]

Serves the reports of a data directory, takes pageviews in, and does what is due.`

// serveFlags are the flags of serve.
func (c *appConfig) serveFlags() *flagSet {
	f := newFlags(serveUsage)
	f.variables = true
	c.add(f, "data")
	c.addEngines(f)
	c.addFront(f)
	f.StringVar(&c.publish, "publish", "", "`directory` to write the reports to after each refresh, for a site without a server (default: none)")
	f.StringVar(&c.single.Articles, "articles", "", "`pattern` of the paths on the hot list, such as '/posts/*' (default: every page)")
	c.addWays(f)
	f.Var(textFlag{&c.single.Trigger}, "trigger", "`trigger` that says when the reports are computed, by the clock of the site's zone (default: every 1h)")
	return f
}

// settle reads the arguments of serve, the environment and the configuration
// file, each going before the next.
func (c *appConfig) settle(s stdio, args []string) error {
	f := c.serveFlags()
	if err := f.parse(s, args, 0); err != nil {
		return err
	}
	if err := c.load(f); err != nil {
		return err
	}
	c.preferFlags(f)
	return c.preferFront(f)
}

func runServe(ctx context.Context, s stdio, args []string) error {
	c := appConfig{command: "serve", log: slog.New(slog.NewTextHandler(s.err, nil))}
	if err := c.settle(s, args); err != nil {
		return err
	}
	front, err := openFront(ctx, c.file, c.data, c.log)
	if err != nil {
		return err
	}
	defer front.Close()
	a, err := openApp(ctx, c)
	if err != nil {
		return err
	}
	a.certificates = front.certificates
	if err := a.declare(ctx); err != nil {
		return errors.Join(err, a.close())
	}
	setup, err := a.accounts.SetupLink(ctx)
	if err != nil {
		return errors.Join(err, a.close())
	}
	err = a.serve(ctx, front, func(url string) {
		fmt.Fprintf(s.out, "serving %s from %s\n", url, c.data)
		for _, site := range a.sites {
			fmt.Fprintf(s.out, "site %s, days in %s\n", site.Name, site.Zone)
		}
		if setup != "" {
			fmt.Fprintf(s.out, "no owner yet: to become it, open within a day %s%s%s\n", url, web.JoinPath, setup)
		}
	})
	return errors.Join(err, a.close())
}

// serve runs everything until ctx ends. ready is told the URL once readers can
// come.
func (a *app) serve(ctx context.Context, front *front, ready func(url string)) error {
	control, err := listenControl(ctx, a.dir)
	if err != nil {
		return err
	}
	defer control.Close()

	g, ctx := errgroup.WithContext(ctx)
	if err := a.generations.begin(ctx, a, front.readerWait); err != nil {
		return err
	}
	g.Go(func() error { return a.generations.run(ctx) })
	g.Go(func() error { return a.keepSalts(ctx) })
	g.Go(func() error { return a.keepAccounts(ctx) })
	owner := &http.Server{Handler: a.generations.owner(), ReadHeaderTimeout: 10 * time.Second}
	front.serve(ctx, g, a.generations.readers())
	serveHTTP(ctx, g, owner, control)
	ready(front.url())
	of := newSupervisor()
	if err := of.tell("READY=1"); err != nil {
		a.log.Warn("systemd does not hear that the server is ready", "error", err)
	}
	g.Go(func() error { return of.watch(ctx, front.alive) })
	<-ctx.Done()
	_ = of.tell("STOPPING=1") // it stops all the same
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// declare adds what is done for the sites besides what every site has.
func (a *app) declare(ctx context.Context) error {
	return errors.Join(a.openDeclared(ctx, a.file), a.addRetention(ctx, a.file), a.addNotices(ctx, a.file))
}

// serveHTTP serves until ctx ends, and then lets requests under way finish for
// a moment.
func serveHTTP(ctx context.Context, g *errgroup.Group, s *http.Server, l net.Listener) {
	g.Go(func() error {
		var err error
		if s.TLSConfig != nil {
			err = s.ServeTLS(l, "", "")
		} else {
			err = s.Serve(l)
		}
		if errors.Is(err, http.ErrServerClosed) {
			return ctx.Err()
		}
		return err
	})
	g.Go(func() error {
		<-ctx.Done()
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(patient); err != nil {
			s.Close()
		}
		return ctx.Err()
	})
}

// readable is an address as a person would type it.
func readable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && (tcp.IP.IsLoopback() || tcp.IP.IsUnspecified()) {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return addr.String()
}

// listenControl listens on the socket in the data directory, which only the
// directory's owner can reach.
func listenControl(ctx context.Context, d *datadir.Dir) (net.Listener, error) {
	path, err := socketPath(d.Path)
	if err != nil {
		return nil, err
	}
	// What is left of a server that was killed is in the way. Nobody else is
	// using it, since this process holds the directory.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for imports: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen for imports: %w", err)
	}
	return l, nil
}

// maxSocketPath is the longest path a socket can have.
const maxSocketPath = 100

// socketPath is where a server on a data directory takes imports. Where the
// directory's path is too long for a socket, a shorter one is used that leads
// there too.
func socketPath(data string) (string, error) {
	path := filepath.Join(data, datadir.SocketFile)
	if len(path) <= maxSocketPath {
		return path, nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	wd, err := os.Getwd()
	if err == nil {
		if relative, err := filepath.Rel(wd, absolute); err == nil && len(relative) <= maxSocketPath {
			return relative, nil
		}
	}
	return "", fmt.Errorf("the path of data directory %s is longer than a socket's can be: use a shorter one, or run from near it", data)
}

// medianWait is the median of what some requests wait, or zero.
func medianWait(ctx context.Context, client *http.Client, url string) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var waits []time.Duration
	for range 21 {
		began := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return 0
		}
		res, err := client.Do(req)
		if err != nil {
			return 0
		}
		_, err = io.Copy(io.Discard, res.Body)
		if res.Body.Close() != nil || err != nil || res.StatusCode != http.StatusOK {
			return 0
		}
		waits = append(waits, time.Since(began))
	}
	slices.Sort(waits)
	return waits[len(waits)/2]
}
