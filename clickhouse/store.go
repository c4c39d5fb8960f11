package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse/spool"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

var (
	_ pageview.Store  = (*Store)(nil)
	_ pageview.Loaded = (*Store)(nil)
)

// Config says where pageviews are kept and where they wait.
type Config struct {
	URL string // such as clickhouse://user:password@host:9000,other:9000/database

	// Spool is the file in which pageviews wait, and SpoolBytes how much of
	// the disk they may take before no more are taken in; zero means 4 GiB.
	Spool      string
	SpoolBytes int64

	// Cluster has the tables made on every server of that name in ClickHouse's
	// configuration, as Replicated and Distributed ones, with the macros shard
	// and replica. Quorum is how many replicas must have a pageview before it
	// leaves the spool; zero means one.
	Cluster string
	Quorum  int

	Every   time.Duration // how long a pageview waits at most while ClickHouse is there; zero means a second
	Wait    time.Duration // how long an answer waits for the spool to be sent; zero means 10 s
	Readers int           // queries at once, the rest wait; zero means two more than cores
	Logger  *slog.Logger  // nil means slog.Default()

	// Claim has requests belong to a holder, for all processes at once, and tells
	// which of them belong to another one. Asked again, it says the same for as
	// long as pageviews may wait. Nil means that no other process takes requests.
	Claim func(ctx context.Context, holder string, keys []pageview.Key) (others []pageview.Key, err error)

	parsed string // name of the database
}

func (c *Config) database() string { return c.parsed }

// Store keeps pageviews in ClickHouse. Make it with Open.
type Store struct {
	config Config
	server *server
	spool  *spool.Spool
	intake *intake
	sender *sender
	titles *titles // only the sender uses it

	marking sync.Mutex // held while a mark is moved

	refreshing sync.Mutex // one asks for what is new at a time
	asked      time.Time  // when what is in view was asked for
	view       atomic.Pointer[view]
	folding    sync.Mutex // one adds up at a time

	counts engine.Counts

	gate   sync.Mutex // held while work begins, or ends for good
	closed atomic.Bool
	work   sync.WaitGroup
	life   context.Context // ends when the store is closed
	end    context.CancelFunc
}

// Open opens the spool, or makes it. ClickHouse need not be there: what comes
// meanwhile waits.
func Open(ctx context.Context, c Config) (*Store, error) {
	c.Every = cmp.Or(c.Every, time.Second)
	c.Wait = cmp.Or(c.Wait, 10*time.Second)
	c.Readers = cmp.Or(c.Readers, runtime.NumCPU()+2)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	server, err := newServer(c)
	if err != nil {
		return nil, err
	}
	s := &Store{config: server.config, server: server, titles: newTitles()}
	if s.spool, err = spool.Open(ctx, spool.Config{Path: c.Spool, Bytes: c.SpoolBytes}); err != nil {
		return nil, errors.Join(err, server.close())
	}
	s.life, s.end = context.WithCancel(context.Background())
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(err, s.spool.Close(), server.close())
	}
	s.intake = newIntake(s)
	s.sender = newSender(s)
	s.work.Go(s.intake.run)
	s.work.Go(s.sender.run)
	s.work.Go(s.sweepAlways)
	return s, nil
}

// load learns what is in ClickHouse, or, where it is away, which sites were
// known last.
func (s *Store) load(ctx context.Context) error {
	s.view.Store(newView())
	now, err := s.refresh(ctx)
	if err == nil {
		return s.spool.KeepSites(ctx, now.listed())
	}
	if ctx.Err() != nil {
		return err
	}
	s.config.Logger.Warn("ClickHouse is not there: pageviews wait in the spool", "error", err)
	sites, err := s.spool.Sites(ctx)
	v := newView()
	for _, k := range sites {
		v.sites[k.Name] = site{name: k.Name, zone: k.Zone, precedence: k.Precedence, rate: k.Rate}
	}
	s.view.Store(v)
	return err
}

// closing is how long what waits may take to be sent when the store is closed.
const closing = 3 * time.Second

// Close sends what waits, if that does not take long, and closes the store.
func (s *Store) Close() error {
	s.gate.Lock()
	again := s.closed.Swap(true)
	s.gate.Unlock()
	if again {
		return nil
	}
	s.intake.close()
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if err := s.sender.flush(ctx, s.spool.Last()); err != nil {
		s.config.Logger.Warn("pageviews wait in the spool until the next start", "error", err)
	}
	s.end()
	s.work.Wait()
	return errors.Join(s.spool.Close(), s.server.close())
}

// begin has f done beside its caller. Close waits for it.
func (s *Store) begin(f func()) error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed.Load() {
		return pageview.ErrClosed
	}
	s.work.Go(f)
	return nil
}

// current is a view that holds everything that was kept before it was asked
// for: it has the spool sent, and learns what other processes have sent.
func (s *Store) current(ctx context.Context) (*view, error) {
	if s.closed.Load() {
		return nil, pageview.ErrClosed
	}
	last := s.spool.Last()
	wait, cancel := context.WithTimeout(ctx, s.config.Wait)
	defer cancel()
	if err := s.sender.flush(wait, last); err != nil {
		return nil, fmt.Errorf("send what waits in the spool: %w", err)
	}
	return s.refresh(ctx)
}

// Load implements pageview.Loaded. What waits and is written is so into the spool.
func (s *Store) Load() pageview.Load {
	l := pageview.Load{Room: intakeBytes, Trouble: s.sender.trouble()}
	s.intake.mu.Lock()
	l.Waiting = s.intake.bytes
	s.intake.mu.Unlock()
	s.counts.Tell(&l)
	return l
}

// Waiting tells what this machine's spool holds.
func (s *Store) Waiting(ctx context.Context) (spool.Waiting, error) { return s.spool.Waiting(ctx) }

// clock is the time as blocks and versions are numbered, beyond all that is
// known.
func (s *Store) clock() uint64 {
	return max(uint64(time.Now().UnixMicro()), s.view.Load().clock+1)
}
