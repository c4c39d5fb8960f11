package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// site is what is known of a site.
type site struct {
	name       string
	zone       string
	precedence pageview.Precedence // empty means the default
	rate       pageview.Rate
	since      uint64 // blocks and versions up to this are of a site of that name that was deleted
}

// rules are what the numbers of a site depend on beside its pageviews, as text.
func (s site) rules() string { return s.precedence.String() + "|" + s.rate.String() }

// location is the zone of a site's days.
func (s site) location() *time.Location {
	zone, err := time.LoadLocation(s.zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Site implements pageview.Store. A site that is known already needs no
// ClickHouse, as long as nothing of it changes.
func (s *Store) Site(ctx context.Context, v pageview.Site) (pageview.Site, error) {
	known, err := s.keepSite(ctx, v)
	if err != nil {
		return pageview.Site{}, fmt.Errorf("make site %q known: %w", v.Name, err)
	}
	return pageview.Site{Name: v.Name, Zone: known.zone, Precedence: known.precedence, Rate: known.rate}, nil
}

func (s *Store) keepSite(ctx context.Context, v pageview.Site) (site, error) {
	if err := v.Rate.Check(); err != nil {
		return site{}, err
	}
	if err := valid(v.Name, v.Zone); err != nil {
		return site{}, err
	}
	if known, ok := s.view.Load().sites[v.Name]; ok && !known.changed(v) {
		return known, nil
	}
	now, err := s.refresh(ctx)
	if err != nil {
		return site{}, err
	}
	known, ok := now.sites[v.Name]
	if ok && !known.changed(v) {
		return known, s.spool.KeepSites(ctx, now.listed())
	}
	if !ok {
		known = site{zone: v.Zone, since: now.dropped[v.Name]}
		if known.zone == "" {
			known.zone = "UTC" // since an empty one says that a site was deleted
		}
	}
	if len(v.Precedence) > 0 {
		known.precedence = v.Precedence
	}
	known.rate = v.Rate
	at := max(s.clock(), known.since+1)
	err = s.server.exec(ctx, fmt.Sprintf(`INSERT INTO sites (name, zone, precedence, rate, at) SELECT %s, %s, %s, %s, toUInt64(%d)`,
		quote(v.Name), quote(known.zone), quote(known.precedence.String()), quote(known.rate.String()), at))
	if err != nil {
		return site{}, err
	}
	if now, err = s.refresh(ctx); err != nil {
		return site{}, err
	}
	return now.sites[v.Name], s.spool.KeepSites(ctx, now.listed())
}

// changed tells whether rules that are given are other than those known.
func (s site) changed(v pageview.Site) bool {
	return s.rate != v.Rate || len(v.Precedence) > 0 && s.precedence.String() != v.Precedence.String()
}

// listed are the sites of a view.
func (v *view) listed() (sites []pageview.Site) {
	for _, s := range v.sites {
		sites = append(sites, pageview.Site{Name: s.name, Zone: s.zone, Precedence: s.precedence, Rate: s.rate})
	}
	slices.SortFunc(sites, func(a, b pageview.Site) int { return strings.Compare(a.Name, b.Name) })
	return sites
}

// loadSites reads all sites, and when those were deleted that are no more.
func (s *Store) loadSites(ctx context.Context, v *view) error {
	before := v.sites
	v.sites, v.dropped = map[string]site{}, map[string]uint64{}
	err := s.server.each(ctx, `SELECT name, zone, precedence, rate, at FROM sites ORDER BY name, at`, func(scan func(...any) error) error {
		var name, zone, precedence, rate string
		var at uint64
		if err := scan(&name, &zone, &precedence, &rate, &at); err != nil {
			return err
		}
		v.clock = max(v.clock, at)
		if zone == "" {
			v.dropped[name] = at
			delete(v.sites, name)
			return nil
		}
		known, ok := v.sites[name]
		if !ok {
			known = site{name: name, zone: zone, since: v.dropped[name]}
		}
		var err error
		if known.precedence, err = pageview.ParsePrecedence(precedence); err == nil {
			known.rate, err = pageview.ParseRate(rate)
		}
		v.sites[name] = known
		return err
	})
	for name, was := range before {
		if now, ok := v.sites[name]; !ok || now.since != was.since {
			v.forget(name)
		}
	}
	return err
}

// firstTime and lastTime bound what every reader of the tables can take.
var (
	firstTime = pageview.FirstDay.Date(time.UTC)
	lastTime  = pageview.LastDay.Date(time.UTC)
)

// maxStay is the longest stay that is kept.
const maxStay = 366 * 24 * time.Hour

// screen refuses a batch that cannot be kept.
func (s *Store) screen(b *pageview.Batch) error {
	v := s.view.Load()
	for i := range b.Pageviews {
		p := &b.Pageviews[i]
		for _, text := range engine.Texts(p) {
			if err := valid(text); err != nil {
				return err
			}
		}
		if err := v.screenTime(p.Site, p.At, p.Day, p.Hour); err != nil {
			return err
		}
	}
	for i := range b.Stays {
		p := &b.Stays[i]
		if p.For < 0 || p.For > maxStay {
			return fmt.Errorf("a stay of %v", p.For)
		}
		if err := valid(p.Path); err != nil {
			return err
		}
		if err := v.screenTime(p.Site, p.At, p.Day, p.At); err != nil {
			return err
		}
	}
	return v.screenSteps(b)
}

// screenSteps refuses marks and keys that cannot be kept.
func (v *view) screenSteps(b *pageview.Batch) error {
	if k := b.Key; k != nil {
		if err := valid(k.Token, k.Name); err != nil {
			return err
		}
	}
	if m := b.Mark; m != nil {
		if err := v.screenSite(m.Site); err != nil {
			return err
		}
		if err := valid(m.Source, m.To); err != nil {
			return err
		}
	}
	if l := b.Log; l != nil {
		if err := v.screenSite(l.Site); err != nil {
			return err
		}
		if len(l.Prints) == 0 {
			return fmt.Errorf("a log file without prints")
		}
	}
	return nil
}

// valid refuses text that is no text.
func valid(texts ...string) error {
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return fmt.Errorf("text that is not valid UTF-8: %.100q", text)
		}
	}
	return nil
}

func (v *view) screenSite(site string) error {
	if _, ok := v.sites[site]; !ok {
		return fmt.Errorf("site %q is not known", site)
	}
	return nil
}

// screenTime refuses what is of no known site or at no possible time.
func (v *view) screenTime(site string, at time.Time, day pageview.Day, hour time.Time) error {
	if err := v.screenSite(site); err != nil {
		return err
	}
	for _, t := range [...]time.Time{at, hour} {
		if t.Before(firstTime) || t.After(lastTime) {
			return fmt.Errorf("a time in the year %d", t.Year())
		}
	}
	if day < pageview.FirstDay || day > pageview.LastDay {
		return fmt.Errorf("day %d", day)
	}
	return nil
}
