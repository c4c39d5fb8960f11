package receive

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/text"
	"github.com/beforehand-go/beforehand/pageview"
)

// Arrival is what came in over HTTP of one kind since the process began, for an
// owner who looks whether a site is counted.
type Arrival struct {
	Source pageview.Source
	Left   string    // why it was left out; empty means that it was counted
	Bot    string    // why it is not a person's; empty means that it is
	Host   string    // of the page that came last, where no site takes it; cleaned
	At     time.Time // when the last one came
	Count  int64
}

// Nobodys tells whether no site takes the page.
func (a *Arrival) Nobodys() bool { return a.Left == leftUnknownSite }

// arrivals are all kinds that came. They are few: ways in times reasons.
type arrivals struct {
	mu  sync.Mutex
	all map[arrivalKey]*Arrival
}

type arrivalKey struct {
	site      string // empty where no site takes the page
	source    pageview.Source
	left, bot string
}

// maxHost is how much of a host is kept that no site takes.
const maxHost = 100

func (a *arrivals) note(k arrivalKey, host string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[arrivalKey]*Arrival{}
	}
	of := a.all[k]
	if of == nil {
		of = &Arrival{Source: k.source, Left: k.left, Bot: k.bot}
		a.all[k] = of
	}
	of.At = time.Now()
	of.Count++
	if k.site == "" {
		of.Host = text.Clean(host, maxHost)
	}
}

// only forgets what came of other sites than these.
func (a *arrivals) only(these func(site string) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.all, func(k arrivalKey, _ *Arrival) bool { return k.site != "" && !these(k.site) })
}

// noteSeen notes what became of a page that was seen.
func (r *Receiver) noteSeen(site *collect.Site, source pageview.Source, left string, v *pageview.Pageview) {
	r.arrivals.note(arrivalKey{site.Name, source, left, v.Bot}, "")
}

// noteUnknown notes a page that no site takes.
func (r *Receiver) noteUnknown(source pageview.Source, host string) {
	r.arrivals.note(arrivalKey{source: source, left: leftUnknownSite}, host)
}

// Arrivals tells what came in of a site, and of none, the latest first.
func (r *Receiver) Arrivals(site string) []Arrival {
	r.arrivals.mu.Lock()
	defer r.arrivals.mu.Unlock()
	var all []Arrival
	for k, a := range r.arrivals.all {
		if k.site == site || k.site == "" {
			all = append(all, *a)
		}
	}
	slices.SortFunc(all, func(a, b Arrival) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Left, b.Left))
	})
	return all
}

// Reader is who asks for a page, as they would be counted.
type Reader struct {
	Address  string // as the proxies tell it; empty where they do not
	Excluded bool   // by a rule of the site
	Bot      string // why it is taken for no person; empty means that it is one
	NoTrack  bool   // the browser asks not to be tracked, which the script keeps to
}

// Reader tells how somebody who asks for a page of this server would be counted
// by a site.
func (r *Receiver) Reader(req *http.Request, site *collect.Site) Reader {
	c := Reader{Address: r.Proxies.Client(req), Bot: r.Intake.Agents.Classify(req.Header.Get("User-Agent")).Bot}
	c.Excluded = site.Exclude.Request(req.Header) || site.Exclude.Address(c.Address)
	c.NoTrack = req.Header.Get("Dnt") == "1" || req.Header.Get("Sec-Gpc") == "1"
	return c
}
