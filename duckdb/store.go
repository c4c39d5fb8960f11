package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	driver "github.com/duckdb/duckdb-go/v2"
)

var (
	_ pageview.Store  = (*Store)(nil)
	_ pageview.Loaded = (*Store)(nil)
)

// Config says where a store is and what it may use.
type Config struct {
	Path        string       // the file; made when it is not there
	MemoryLimit string       // memory for DuckDB, such as "1GB"; empty means 512MB
	QueueBytes  int64        // memory for what waits to be written; zero means 64 MB
	Threads     int          // threads for one query; zero means one a core
	Readers     int          // queries at once, the rest wait; zero means two more than cores
	Logger      *slog.Logger // nil means slog.Default()
}

// Store keeps pageviews in one DuckDB file. Make it with Open.
type Store struct {
	config Config
	queue  *queue
	done   chan struct{} // closed when the writer has ended
	closed atomic.Bool

	copying sync.Mutex // held by a backup

	db   atomic.Pointer[sql.DB] // for readers; another one after the file was opened again
	view atomic.Pointer[view]
	w    *writer

	spooled atomic.Bool // something that was acknowledged is in the spool and not in DuckDB
	drain   *time.Timer // has it given to DuckDB

	load     load
	marks    marks
	mirror   mirror
	folding  turn         // one adds up at a time
	added    atomic.Int64 // how often something that was added up was written
	foldMost foldMost
	recent   recent // held by folding
	tail     tail
	pending  pending
	folds    sync.WaitGroup
	life     context.Context // ends when the store is closed
	end      context.CancelFunc
}

// turn is had by one at a time. Who waits for it waits for a channel: in a bubble
// of testing/synctest time passes meanwhile, as it does not for a mutex.
type turn chan struct{}

// Lock waits for the turn, and Unlock passes it on.
func (t turn) Lock()   { t <- struct{}{} }
func (t turn) Unlock() { <-t }

// view is what readers know of the last commit. Nothing in it is changed; the
// next commit makes another one.
type view struct {
	through uint64 // sequence number of the pageview or stay kept last
	sites   map[string]site
	mixed   map[uint16]siteDays // days with several sources
	paths   []string            // of pages, by number
	titles  []string            // the same
	names   []string            // by number
}

// Open opens the file, or makes it. It fails when another process has it open.
func Open(ctx context.Context, c Config) (*Store, error) {
	if strings.ContainsAny(c.Path, "?%") {
		return nil, fmt.Errorf("open %s: the path must not contain ? or %%", c.Path)
	}
	if c.MemoryLimit == "" {
		c.MemoryLimit = "512MB"
	}
	if c.Threads == 0 {
		c.Threads = runtime.NumCPU()
	}
	if c.Readers == 0 {
		c.Readers = runtime.NumCPU() + 2
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	s := &Store{
		config:   c,
		queue:    newQueue(cmp.Or(c.QueueBytes, 64<<20)),
		done:     make(chan struct{}),
		foldMost: foldMost{rows: 250_000, sums: 500_000},
		mirror:   newMirror(),
		recent:   newRecent(),
		folding:  make(turn, 1),
		tail:     tail{most: tailRows},
	}
	s.mirror.written = func(site uint16) error {
		db, _, err := s.current()
		if err != nil {
			return err
		}
		return s.written(db, site)
	}
	s.drain = time.AfterFunc(drainAfter, s.drainNow)
	s.life, s.end = context.WithCancel(context.Background())
	w, err := s.open(ctx)
	if err != nil {
		s.drain.Stop()
		return nil, err
	}
	s.w = w
	go s.write()
	return s, nil
}

// Close commits what is queued and closes the file.
func (s *Store) Close() error {
	s.marks.Lock()
	again := s.closed.Swap(true)
	s.marks.Unlock()
	s.queue.close()
	<-s.done
	s.drain.Stop()
	s.end()
	s.folds.Wait()
	if again {
		return nil
	}
	db := s.db.Load()
	if db == nil {
		return nil
	}
	for _, site := range s.pending.sites() {
		if err := s.written(db, site); err != nil { // the next process adds it up anew
			s.config.Logger.Error("close store", "error", err)
		}
	}
	if s.w != nil {
		s.w.close()
	}
	return db.Close()
}

// open opens the file for the writer and the readers.
func (s *Store) open(ctx context.Context) (_ *writer, err error) {
	connector, err := driver.NewConnector(s.config.Path, nil)
	if err != nil {
		return nil, openError(s.config.Path, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(s.config.Readers + 1) // and the writer
	defer func() {
		if err != nil {
			err = openError(s.config.Path, errors.Join(err, db.Close()))
		}
	}()
	settings := []string{
		"SET memory_limit = '" + strings.ReplaceAll(s.config.MemoryLimit, "'", "''") + "'",
		fmt.Sprintf("SET threads = %d", s.config.Threads),
		"SET checkpoint_threshold = '32MB'",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET TimeZone = 'UTC'",
		// Groups by few keys, such as months and pages, are counted at their place in
		// an array, of at most so many bits, in place of a hash table.
		"SET GLOBAL perfect_ht_threshold = 16",
	}
	for _, set := range settings {
		if _, err := db.ExecContext(ctx, set); err != nil {
			return nil, fmt.Errorf("%s: %w", set, err)
		}
	}
	if err := migrate(ctx, db); err != nil {
		return nil, err
	}
	w, err := newWriter(ctx, db)
	if err != nil {
		return nil, err
	}
	s.marks.Lock() // so that nothing is added up meanwhile
	defer s.marks.Unlock()
	s.pending.clear() // after it was written, if somebody writes it
	of, err := loadMarks(ctx, db)
	if err != nil {
		w.close()
		return nil, err
	}
	v := w.view() // before what DuckDB does not have
	s.tail.begin(v.through)
	w.tail = &s.tail
	if err := w.openSpool(ctx, s.config.Path); err != nil {
		w.close()
		return nil, err
	}
	s.marks.of = of
	s.mirror.clear()
	s.db.Store(db)
	s.view.Store(v)
	s.spooled.Store(w.spool.waits())
	s.drain.Reset(drainAfter)
	return w, nil
}

// reopen replaces a database that DuckDB declared unusable, or whose
// dictionaries in memory hold what was rolled back.
func (s *Store) reopen(ctx context.Context) error {
	if s.w != nil {
		s.w.close()
		s.w = nil
	}
	if db := s.db.Swap(nil); db != nil {
		db.Close()
	}
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.w = w
	return nil
}

// reader is the database to read from, with all that was acknowledged, and what its
// last commit left, or the reason why there is none.
func (s *Store) reader(ctx context.Context) (*sql.DB, *view, error) {
	if err := s.drained(ctx); err != nil {
		return nil, nil, err
	}
	return s.current()
}

// current is reader without what lies in the spool.
func (s *Store) current() (*sql.DB, *view, error) {
	if s.closed.Load() {
		return nil, nil, pageview.ErrClosed
	}
	db := s.db.Load()
	if db == nil {
		return nil, nil, errors.New("the store of pageviews is being opened again after an error")
	}
	return db, s.view.Load(), nil
}

// Site implements pageview.Store.
func (s *Store) Site(ctx context.Context, v pageview.Site) (pageview.Site, error) {
	known, ok := s.view.Load().sites[v.Name]
	if err := v.Rate.Check(); err != nil {
		return pageview.Site{}, fmt.Errorf("make site %q known: %w", v.Name, err)
	}
	if !ok || known.rate != v.Rate || len(v.Precedence) > 0 && known.precedence.String() != v.Precedence.String() {
		keep := func(ctx context.Context, w *writer) error { return w.keepSite(ctx, v) }
		if err := s.do(ctx, keep); err != nil {
			return pageview.Site{}, fmt.Errorf("make site %q known: %w", v.Name, err)
		}
		known = s.view.Load().sites[v.Name]
	}
	return pageview.Site{Name: v.Name, Zone: known.zone, Precedence: known.precedence, Rate: known.rate}, nil
}

// openError adds what to do to an error of opening the file.
func openError(path string, err error) error {
	var de *driver.Error
	switch {
	case strings.Contains(err.Error(), "Could not set lock"):
		return fmt.Errorf("open %s: another process has it open: %w", path, err)
	case errors.As(err, &de) && strings.Contains(de.Msg, "not a valid DuckDB database"):
		return fmt.Errorf("open %s: not a DuckDB file; move it away to begin anew: %w", path, err)
	}
	return fmt.Errorf("open %s: %w", path, full(err))
}

// full makes a lack of space known as pageview.ErrFull.
func full(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, sign := range []string{"No space left on device", "Disk quota exceeded", "max_temp_directory_size"} {
		if strings.Contains(text, sign) {
			return fmt.Errorf("%w: %w", pageview.ErrFull, err)
		}
	}
	return err
}

// micro is t as DuckDB keeps it.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
