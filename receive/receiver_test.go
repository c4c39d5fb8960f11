package receive_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/receive"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"

// keeper keeps batches in memory, or fails as it is told.
type keeper struct {
	mu   sync.Mutex
	err  error
	kept []pageview.Batch
	keys map[string][32]byte
}

func (k *keeper) Append(_ context.Context, b pageview.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	if b.Key != nil {
		name := b.Key.Token + " " + b.Key.Name
		if digest, ok := k.keys[name]; ok {
			if digest != b.Key.Digest {
				return fmt.Errorf("append: %w", pageview.ErrKeyReused)
			}
			return fmt.Errorf("append: %w", pageview.ErrRepeated)
		}
		if k.keys == nil {
			k.keys = map[string][32]byte{}
		}
		k.keys[name] = b.Key.Digest
	}
	k.kept = append(k.kept, b)
	return nil
}

func (k *keeper) pageviews() (all []pageview.Pageview) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range k.kept {
		all = append(all, b.Pageviews...)
	}
	return all
}

func (k *keeper) stays() (all []pageview.Stay) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range k.kept {
		all = append(all, b.Stays...)
	}
	return all
}

type salts struct{ sync.Map }

func (s *salts) Salt(_ context.Context, site string, day pageview.Day, fresh []byte) ([]byte, error) {
	v, _ := s.LoadOrStore(fmt.Sprint(site, day), fresh)
	return v.([]byte), nil
}

// ways is a receiver with what it needs.
type ways struct {
	*keeper
	http.Handler
	receive.Config
}

// newWays makes the ways into two sites: blog is at blog.example, any takes
// every host.
func newWays(t testing.TB, change ...func(*receive.Config)) *ways {
	t.Helper()
	visitors, err := collect.NewVisitors(&salts{}, collect.Key{})
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{}
	c := receive.Config{
		Sites: collect.Sites{
			{Name: "blog", Zone: time.UTC, Hosts: []string{"blog.example"}, Exclude: collect.Exclude{
				Addrs: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Header: "X-Uncounted: yes",
			}},
		},
		Store: k, Intake: &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}},
	}
	for _, f := range change {
		f(&c)
	}
	r, err := receive.New(c)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	r.Mount(mux)
	return &ways{k, mux, c}
}

// ask sends a request with headers, in pairs.
func (w *ways) ask(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.RemoteAddr = "203.0.113.7:1234"
	req.Header.Set("User-Agent", firefox)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, req)
	return rec
}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}
