package move

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/beforehand-go/beforehand/pageview"
)

// Source is an engine of pageviews that can be read from the beginning.
type Source interface {
	// Known tells all that is kept beside pageviews and stays.
	Known(ctx context.Context) (pageview.Known, error)

	// Read reads the next pageviews and stays of a site, about so many at
	// most. From is empty at the beginning and then what the last call
	// returned; where nothing is left it stays as it is.
	Read(ctx context.Context, site, from string, most int) (b pageview.Batch, to string, err error)

	Counted
}

// Counted is an engine of pageviews that can be compared.
type Counted interface {
	Query(ctx context.Context, q pageview.Query) (pageview.Answer, error)
	Sources(ctx context.Context, site string, from, to pageview.Day) ([]pageview.SourceDay, error)
}

// Target is an engine of pageviews that they are copied to.
type Target interface {
	pageview.Store
	Counted
}

const (
	// markName is what the mark of a copy is called in the engine that it is
	// made to.
	markName = "move"
	// part is how many rows are copied at once.
	part = 50_000
	// keysAtOnce is how many keys of requests are copied side by side.
	keysAtOnce = 64
)

// Pageviews is a copy of pageviews from one engine to another.
type Pageviews struct {
	From Source
	To   Target

	Part     int                // rows that are copied at once; zero means 50,000
	Progress func(copied int64) // told how many pageviews were copied; may be nil
}

// New copies what is new of all sites.
func (p *Pageviews) New(ctx context.Context) error {
	known, err := p.From.Known(ctx)
	if err != nil {
		return err
	}
	var copied int64
	for _, site := range known.Sites {
		if site.Gone > 0 {
			return fmt.Errorf("of site %s, %d pageviews were deleted by its retention, and what they add up to cannot be moved: keep this site where it is, or delete it", site.Name, site.Gone)
		}
		if err := p.site(ctx, site.Site, &copied); err != nil {
			return fmt.Errorf("move site %s: %w", site.Name, err)
		}
	}
	return nil
}

// site copies what is new of a site.
func (p *Pageviews) site(ctx context.Context, site pageview.Site, copied *int64) error {
	kept, err := p.To.Site(ctx, site)
	if err != nil {
		return err
	}
	if kept.Zone != site.Zone {
		return fmt.Errorf("its days are in %s here and in %s there", site.Zone, kept.Zone)
	}
	at, err := p.To.Mark(ctx, site.Name, markName)
	if err != nil {
		return err
	}
	if at == "" {
		// What is there already would be counted twice, or be of somebody else.
		span, err := p.To.Span(ctx, site.Name)
		if err != nil {
			return err
		}
		if !span.First.IsZero() {
			return errors.New("there are pageviews of a site of that name that were not moved there")
		}
	}
	for {
		b, next, err := p.From.Read(ctx, site.Name, at, cmp.Or(p.Part, part))
		if err != nil || next == at {
			return err
		}
		b.Mark = &pageview.MarkStep{Site: site.Name, Source: markName, From: at, To: next}
		b.Wait = true
		if err := p.To.Append(ctx, b); err != nil {
			return err
		}
		at = next
		if *copied += int64(len(b.Pageviews)); p.Progress != nil {
			p.Progress(*copied)
		}
	}
}

// Rest copies what is known beside pageviews and stays: how far logs and other
// sources were read, and which requests were kept. Nobody may add to the source
// any more.
func (p *Pageviews) Rest(ctx context.Context) error {
	from, to := p.From, p.To
	known, err := from.Known(ctx)
	if err != nil {
		return err
	}
	for _, site := range known.Sites {
		for _, l := range site.Logs {
			if err := copyLog(ctx, to, site.Name, l); err != nil {
				return fmt.Errorf("move what was read of a log of site %s: %w", site.Name, err)
			}
		}
		for source, at := range site.Marks {
			if err := copyMark(ctx, to, site.Name, source, at); err != nil {
				return fmt.Errorf("move what was read of %s of site %s: %w", source, site.Name, err)
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(keysAtOnce)
	for _, k := range known.Keys {
		g.Go(func() error {
			err := to.Append(ctx, pageview.Batch{Key: &k, Wait: true})
			if errors.Is(err, pageview.ErrRepeated) {
				return nil
			}
			return err
		})
	}
	return g.Wait()
}

func copyLog(ctx context.Context, to Target, site string, l pageview.KnownLog) error {
	there, err := to.Logs(ctx, site, l.Prints[0])
	if err != nil {
		return err
	}
	if slices.ContainsFunc(there, func(o pageview.KnownLog) bool { return o.Mark == l.Mark }) {
		return nil
	}
	return to.Append(ctx, pageview.Batch{Wait: true, Log: &pageview.LogStep{
		Site: site, Prints: l.Prints, To: l.Mark, New: true, Beside: len(there),
	}})
}

func copyMark(ctx context.Context, to Target, site, source, at string) error {
	if source == markName {
		return nil // of a move that ended here
	}
	there, err := to.Mark(ctx, site, source)
	if err != nil || there == at {
		return err
	}
	return to.Append(ctx, pageview.Batch{Wait: true, Mark: &pageview.MarkStep{Site: site, Source: source, From: there, To: at}})
}

// Compare tells where two engines differ in what they count: of each source by
// day, and of visits and visitors by day and by page.
func (p *Pageviews) Compare(ctx context.Context) error {
	from, to := p.From, p.To
	known, err := from.Known(ctx)
	if err != nil {
		return err
	}
	for _, site := range known.Sites {
		if err := compareSources(ctx, from, to, site.Name); err != nil {
			return fmt.Errorf("compare site %s: %w", site.Name, err)
		}
		for _, by := range []pageview.Dimension{pageview.ByDay, pageview.ByPage} {
			if err := compareBy(ctx, from, to, site.Name, by); err != nil {
				return fmt.Errorf("compare site %s: %w", site.Name, err)
			}
		}
	}
	return nil
}

func compareSources(ctx context.Context, from, to Counted, site string) error {
	a, err := from.Sources(ctx, site, pageview.FirstDay, pageview.LastDay)
	if err != nil {
		return err
	}
	b, err := to.Sources(ctx, site, pageview.FirstDay, pageview.LastDay)
	if err != nil {
		return err
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Errorf("on %s there are %+v here and %+v there", a[i].Day, a[i], b[i])
		}
	}
	if len(a) != len(b) {
		return fmt.Errorf("there are %d days and sources here and %d there", len(a), len(b))
	}
	return nil
}

func compareBy(ctx context.Context, from, to Counted, site string, by pageview.Dimension) error {
	q := pageview.Query{Site: site, By: []pageview.Dimension{by}, Metrics: pageview.Metrics()}
	a, err := from.Query(ctx, q)
	if err != nil {
		return err
	}
	b, err := to.Query(ctx, q)
	if err != nil {
		return err
	}
	if a.Total != b.Total || len(a.Rows) != len(b.Rows) {
		return fmt.Errorf("by %s there are %d rows with %+v here and %d with %+v there", by, len(a.Rows), a.Total, len(b.Rows), b.Total)
	}
	for i := range a.Rows {
		if x, y := a.Rows[i], b.Rows[i]; !slices.Equal(x.Keys, y.Keys) || x.Values != y.Values {
			return fmt.Errorf("by %s there is %+v here and %+v there", by, x, y)
		}
	}
	return nil
}
