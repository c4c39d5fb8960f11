package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/pageview"
)

// prove tells whether long proofs run whole.
func prove() bool { return os.Getenv("BEFOREHAND_PROVE") != "" }

func TestFaults(t *testing.T) {
	server := clickhousetest.Start(t)
	for name, f := range map[string]func(t *testing.T, server *clickhousetest.Server){
		"connections that are cut lose and double nothing":  cuts,
		"ClickHouse may be away when a store is opened":     awayAtOpen,
		"the spool takes no more than it may":               fullSpool,
		"two processes see what the other has sent":         replicas,
		"who read on after a crash is not read twice":       readOn,
		"a request that two take at once counts once":       twice,
		"who found a site known knows it while all is away": foundKnown,
	} {
		t.Run(name, func(t *testing.T) { f(t, server) })
	}
}

// behind is a store that reaches the server by a proxy.
func behind(t *testing.T, server *clickhousetest.Server) (*proxy, clickhouse.Config) {
	t.Helper()
	p := newProxy(t, server.Addr())
	c := clickhouse.Config{
		URL:   server.Through(p.addr(), filepath.Base(server.Database(t))),
		Spool: filepath.Join(t.TempDir(), "spool.db"), Every: 10 * time.Millisecond, Wait: time.Minute,
	}
	return p, c
}

// cuts cuts connections in the middle of inserts, and loses answers to them.
func cuts(t *testing.T, server *clickhousetest.Server) {
	rounds := 12
	if prove() {
		rounds = 300
	}
	p, c := behind(t, server)
	s := open(t, c)
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	var want, stays int64
	for i := range rounds {
		var b pageview.Batch
		for j := range 1 + rand.IntN(200) {
			b.Pageviews = append(b.Pageviews, seen(fmt.Sprintf("2026-%02d-01 10:00:00", 1+j%3), fmt.Sprintf("/%d/%d", i, j), 1))
			want++
		}
		v := b.Pageviews[0]
		b.Stays = []pageview.Stay{{Site: "blog", At: v.At, Day: v.Day, Path: v.Path, For: time.Second}}
		stays++
		p.fault.Store(1 + int32(i%2))
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for n := rand.IntN(5); n > 0 && p.fault.Load() != none; { // the first insert of a block, or a later one
			n--
			time.Sleep(5 * time.Millisecond) // for what goes on over sockets
		}
		p.fault.Store(1 + int32(i/2%2))
		if a, err := again(t, s); err != nil || a.Total.Pageviews != want || a.Total.Timed != stays {
			t.Fatalf("%d pageviews, %d stays, want %d, %d, error %v", a.Total.Pageviews, a.Total.Timed, want, stays, err)
		}
	}
	if hits := p.hits.Load(); int(hits) < rounds {
		t.Errorf("something befell %d inserts only", hits)
	}
	p.fault.Store(none)
	for _, table := range []string{"pageviews", "stays"} {
		want := map[string]int64{"pageviews": want, "stays": stays}[table]
		query := fmt.Sprintf("SELECT count(), uniqExact(spool, block, row) FROM %s.%s", filepath.Base(c.URL), table)
		if got := server.Ask(t, query); got != fmt.Sprintf("%d\t%[1]d", want) {
			t.Errorf("%s holds %s rows, want %d", table, got, want)
		}
	}
}

// again asks until the connections are whole again.
func again(t *testing.T, s *clickhouse.Store) (a pageview.Answer, err error) {
	for range 10 {
		if a, err = s.Query(t.Context(), pageview.Query{Site: "blog", Metrics: pageview.Metrics()}); err == nil {
			return a, nil
		}
	}
	return a, err
}

func awayAtOpen(t *testing.T, server *clickhousetest.Server) {
	p, c := behind(t, server)
	p.down.Store(true)
	s := open(t, c)
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "Asia/Shanghai"}); err == nil {
		t.Error("a site became known to nobody")
	}
	p.down.Store(false)
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "Asia/Shanghai"}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	p.down.Store(true)
	p.cut()
	c.Wait = 100 * time.Millisecond
	s = open(t, c)
	if v, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil || v.Zone != "Asia/Shanghai" {
		t.Errorf("site %+v, error %v", v, err)
	}
	keep(t, s, seen("2026-01-01 10:00:00", "/", 1))
	if _, err := s.Query(t.Context(), pageview.Query{Site: "blog"}); err == nil {
		t.Error("there is an answer without ClickHouse")
	}
	if err := s.Append(t.Context(), pageview.Batch{Mark: &pageview.MarkStep{Site: "blog", Source: "x", To: "1"}}); !errors.Is(err, pageview.ErrBusy) {
		t.Errorf("a mark moved without ClickHouse: %v", err)
	}
	if w, err := s.Waiting(t.Context()); err != nil || w.Rows != 1 || w.Bytes == 0 || time.Since(w.Oldest) > time.Minute {
		t.Errorf("waiting %+v, error %v", w, err)
	}
	s.Close()
	p.down.Store(false)
	c.Wait = time.Minute
	s = open(t, c)
	defer s.Close()
	if a, err := s.Query(t.Context(), pageview.Query{Site: "blog"}); err != nil || a.Total.Pageviews != 1 {
		t.Errorf("%d pageviews, error %v", a.Total.Pageviews, err)
	}
	if w, err := s.Waiting(t.Context()); err != nil || w.Rows != 0 || w.Bytes != 0 || !w.Oldest.IsZero() {
		t.Errorf("waiting %+v, error %v", w, err)
	}
}

func fullSpool(t *testing.T, server *clickhousetest.Server) {
	p, c := behind(t, server)
	c.SpoolBytes = 20_000
	s := open(t, c)
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	p.down.Store(true)
	p.cut()
	var kept int64
	var err error
	for err == nil && kept < 1000 {
		if err = s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{seen("2026-01-01 10:00:00", "/", 1)}}); err == nil {
			kept++
		}
	}
	if !errors.Is(err, pageview.ErrFull) || kept < 5 {
		t.Errorf("after %d pageviews: %v, want ErrFull", kept, err)
	}
	p.down.Store(false)
	if a, err := again(t, s); err != nil || a.Total.Pageviews != kept {
		t.Errorf("%d pageviews, want %d, error %v", a.Total.Pageviews, kept, err)
	}
	keep(t, s, seen("2026-01-01 10:00:00", "/", 1))
}

func replicas(t *testing.T, server *clickhousetest.Server) {
	one, c := blog(t, server)
	c.Spool = filepath.Join(t.TempDir(), "spool.db")
	c.Every = 20 * time.Millisecond
	two := open(t, c)
	defer two.Close()
	var wg sync.WaitGroup
	const each = 30
	for i, s := range []*clickhouse.Store{one, two} {
		wg.Go(func() {
			for n := range each {
				if err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{seen("2026-01-01 10:00:00", fmt.Sprint("/", i), uint64(n+1))}}); err != nil {
					t.Error(err)
				}
				if n%5 == 4 {
					q := pageview.Query{Site: "blog", Filters: []pageview.Filter{{Dimension: pageview.ByPage, Values: []string{fmt.Sprint("/", i)}}}}
					if a, err := s.Query(t.Context(), q); err != nil || a.Total.Pageviews != int64(n+1) {
						t.Errorf("%d of the own %d pageviews, error %v", a.Total.Pageviews, n+1, err)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, s := range []*clickhouse.Store{one, two} { // by now each has sent all of its own
		if v := total(t, s, false); v.Pageviews != 2*each || v.Visitors != each || v != total(t, s, true) {
			t.Errorf("%+v, and %+v raw", v, total(t, s, true))
		}
	}
	if _, err := one.Site(t.Context(), pageview.Site{Name: "blog", Rate: pageview.Rate{Pageviews: 1, Within: time.Minute}}); err != nil {
		t.Fatal(err)
	}
	if v := total(t, two, false); v.Pageviews != 0 { // each visitor came twice at once
		t.Errorf("under another rate %+v", v)
	}
	step := pageview.Batch{Mark: &pageview.MarkStep{Site: "blog", Source: "table", To: "7"}, Key: &pageview.Key{Token: "t", Name: "k"}}
	if err := one.Append(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	if at, err := two.Mark(t.Context(), "blog", "table"); err != nil || at != "7" {
		t.Errorf("mark %q, error %v", at, err)
	}
	if err := two.Append(t.Context(), step); !errors.Is(err, pageview.ErrRepeated) {
		t.Errorf("a request that the other one has kept: %v", err)
	}
	step.Key = nil
	if err := two.Append(t.Context(), step); !errors.Is(err, pageview.ErrMarkMoved) {
		t.Errorf("a mark that the other one has moved: %v", err)
	}
}

// readOn has a process give up a source in the middle of a step, and another one
// take it over, before the first one comes back.
func readOn(t *testing.T, server *clickhousetest.Server) {
	p, c := behind(t, server)
	c.Wait = 100 * time.Millisecond
	one := open(t, c)
	if _, err := one.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	step := pageview.Batch{
		Pageviews: []pageview.Pageview{seen("2026-01-01 10:00:00", "/", 1)},
		Mark:      &pageview.MarkStep{Site: "blog", Source: "table", To: "7"}, Wait: true,
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { one.Append(ctx, step) }) // whether it comes through is open
	for {                                   // until it is in the spool, or sent
		w, err := one.Waiting(t.Context())
		if at, _ := one.Mark(t.Context(), "blog", "table"); err != nil || w.Rows > 0 || at != "" {
			break
		}
	}
	p.down.Store(true)
	p.cut()
	cancel()
	wg.Wait()
	one.Close()
	other := c
	other.URL, other.Spool = server.Through(server.Addr(), filepath.Base(c.URL)), filepath.Join(t.TempDir(), "spool.db")
	two := open(t, other)
	defer two.Close()
	if at, err := two.Mark(t.Context(), "blog", "table"); err != nil {
		t.Fatal(err)
	} else if at == "" {
		if err := two.Append(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	p.down.Store(false)
	c.Wait = time.Minute
	one = open(t, c)
	defer one.Close()
	for _, s := range []*clickhouse.Store{one, two} {
		if v := total(t, s, false); v.Pageviews != 1 || total(t, s, true).Pageviews != 1 {
			t.Errorf("%+v", v)
		}
	}
}

// twice sends one request to two processes at once. Both take it, since neither
// can know of the other; it counts once, also when nobody says whose it is for a
// while.
func twice(t *testing.T, server *clickhousetest.Server) {
	var mu sync.Mutex
	away := true
	holders := map[pageview.Key]string{}
	claim := func(_ context.Context, holder string, keys []pageview.Key) (others []pageview.Key, err error) {
		mu.Lock()
		defer mu.Unlock()
		if away {
			return nil, errors.New("nobody is there")
		}
		for _, k := range keys {
			if holders[k] == "" {
				holders[k] = holder
			}
			if holders[k] != holder {
				others = append(others, k)
			}
		}
		return others, nil
	}
	url := server.Database(t)
	var stores []*clickhouse.Store
	for range 2 {
		s := open(t, clickhouse.Config{URL: url, Spool: filepath.Join(t.TempDir(), "spool.db"), Every: 10 * time.Millisecond, Wait: time.Minute, Claim: claim})
		defer s.Close()
		stores = append(stores, s)
		if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		for j, s := range stores {
			views := []pageview.Pageview{seen("2026-01-01 10:00:00", fmt.Sprint("/both/", i), 1), seen("2026-01-01 10:00:00", "/more", 1)}
			if err := s.Append(t.Context(), pageview.Batch{Pageviews: views, Key: &pageview.Key{Token: "t", Name: fmt.Sprint(i)}}); err != nil {
				t.Fatal(err)
			}
			keep(t, s, seen("2026-01-01 10:00:00", fmt.Sprint("/without-a-key/", i, j), 2))
		}
	}
	mu.Lock()
	away = false
	mu.Unlock()
	for _, s := range stores {
		if _, err := s.Totals(t.Context()); err != nil { // so that all is sent
			t.Fatal(err)
		}
	}
	for _, s := range stores {
		if n, err := s.Totals(t.Context()); err != nil || n.Pageviews != 2*20+2*20 {
			t.Errorf("%d pageviews count, want 80: %v", n.Pageviews, err)
		}
		if got := total(t, s, false); got.Pageviews != 80 {
			t.Errorf("%d pageviews are added up, want 80", got.Pageviews)
		}
	}
}

// foundKnown opens a store that has not made its site itself, while ClickHouse is
// away.
func foundKnown(t *testing.T, server *clickhousetest.Server) {
	p, c := behind(t, server)
	site := pageview.Site{Name: "blog", Zone: "UTC"}
	for range 2 {
		c.Spool = filepath.Join(t.TempDir(), "spool.db")
		s := open(t, c)
		if _, err := s.Site(t.Context(), site); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	p.down.Store(true)
	p.cut()
	c.Wait = 100 * time.Millisecond
	s := open(t, c)
	defer s.Close()
	if _, err := s.Site(t.Context(), site); err != nil {
		t.Errorf("the second store does not know the site: %v", err)
	}
	keep(t, s, seen("2026-01-01 10:00:00", "/", 1))
}
