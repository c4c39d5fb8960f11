package snapshot

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Served is a snapshot with the headers of all its answers made beforehand. It
// is an http.Handler for GET and HEAD, and changes no more once it is made: to
// serve another snapshot or state, another Served is made and swapped in.
//
// The format is chosen by the extension of the path ("/hot.csv") where it has
// one of a known format, else by Accept; the encoding by Accept-Encoding.
type Served struct {
	snapshot Snapshot
	state    State
	rules    Rules
	pages    []page
	common   []header // of every answer
	current  []header // of 200 and 304
	volatile atomic.Pointer[volatile]

	everyone                 []string // Access-Control-Allow-Origin for all
	varyEncoding, varyAccept []string
}

// header is one field ready to be put into an answer. The slice has no room
// behind it, so a middleware that appends to it makes a copy.
type header struct {
	key   string
	value []string
}

// page is one format of the snapshot.
type page struct {
	format          string
	mediaType       string
	representations []representation // smallest first, the plain one last
}

// representation is one format in one encoding.
type representation struct {
	encoding string
	tag      string // quoted
	body     []byte
	etag     []string
	content  []header // what only 200 has
	changed  time.Time
	modified []string // Last-Modified
}

// volatile is what depends on the second in which it is read.
type volatile struct {
	unix         int64
	cacheControl []string
	state        []string
}

// Prepare makes a snapshot ready to be read. A snapshot without files answers
// 503 with Retry-After: the report has never finished.
func Prepare(s Snapshot, st State, rules Rules) *Served {
	v := &Served{snapshot: s, state: st, rules: rules}
	v.common = []header{{"X-Content-Type-Options", []string{"nosniff"}}}
	if len(rules.Origins) > 0 {
		v.common = append(v.common, header{"Access-Control-Expose-Headers", []string{exposed}})
	}
	vary := []string{"Accept-Encoding"}
	if rules.everyone() {
		v.everyone = []string{"*"}
	} else if len(rules.Origins) > 0 {
		vary = append(vary, "Origin")
	}
	v.varyEncoding = []string{strings.Join(append(vary, rules.Vary...), ", ")}
	v.varyAccept = []string{"Accept, " + v.varyEncoding[0]}
	v.current = append(slices.Clone(v.common),
		header{"Snapshot-Computed-At", []string{instant(s.ComputedAt)}},
		header{"Snapshot-Took", []string{seconds(s.Took)}})
	if !s.Tick.IsZero() {
		v.current = append(v.current, header{"Snapshot-For-Tick", []string{instant(s.Tick)}})
	}
	if !st.NextAt.IsZero() {
		v.current = append(v.current, header{"Snapshot-Next-At", []string{instant(st.NextAt)}})
	}
	for _, f := range s.Files {
		if f.Encoding == "" && !strings.HasPrefix(f.Format, ".") {
			v.pages = append(v.pages, v.page(f))
		}
	}
	return v
}

const exposed = "ETag, Snapshot-Computed-At, Snapshot-For-Tick, Snapshot-Next-At, Snapshot-State, Snapshot-Took"

func (s *Served) page(plain File) page {
	p := page{format: plain.Format, mediaType: plain.Type}
	for _, f := range s.snapshot.Files {
		if f.Format == plain.Format {
			p.representations = append(p.representations, s.represent(f))
		}
	}
	slices.SortStableFunc(p.representations, func(a, b representation) int { return len(a.body) - len(b.body) })
	return p
}

func (s *Served) represent(f File) representation {
	tag := `"` + f.Tag + `"`
	r := representation{encoding: f.Encoding, tag: tag, body: f.Body, etag: []string{tag}}
	r.changed = f.ChangedAt.UTC().Truncate(time.Second)
	r.modified = []string{r.changed.Format(http.TimeFormat)}
	r.content = []header{
		{"Content-Type", []string{f.Type}},
		{"Content-Length", []string{strconv.Itoa(len(f.Body))}},
	}
	if f.Encoding != "" {
		r.content = append(r.content, header{"Content-Encoding", []string{f.Encoding}})
	}
	if p := s.rules.policy(f.Format); p != "" {
		r.content = append(r.content, header{"Content-Security-Policy", []string{p}})
	}
	return r
}

// Snapshot returns what is served. Its bytes must not be changed.
func (s *Served) Snapshot() Snapshot { return s.snapshot }

// State returns what readers are told beside it.
func (s *Served) State() State { return s.state }

// at returns the headers that depend on the time, made once a second.
func (s *Served) at(now time.Time) *volatile {
	v := s.volatile.Load()
	if v != nil && v.unix == now.Unix() {
		return v
	}
	longest := s.state.MaxAge(now)
	if s.rules.MaxAge > 0 {
		longest = min(longest, s.rules.MaxAge)
	}
	age := "max-age=" + strconv.Itoa(int(longest/time.Second))
	if s.rules.Private {
		age = "private, " + age
	}
	v = &volatile{
		unix:         now.Unix(),
		cacheControl: []string{age},
		state:        []string{stateValue(s.state.Reason(now))},
	}
	s.volatile.Store(v)
	return v
}
