package clickhouse

import (
	"time"

	"github.com/beforehand-go/beforehand/clickhouse/spool"
	"github.com/beforehand-go/beforehand/pageview"
)

// columns are rows as they are inserted.
type columns struct {
	names  []string
	values []any
}

func (c *columns) add(name string, values any) {
	c.names, c.values = append(c.names, name), append(c.values, values)
}

// viewRow and stayRow have a place in the block.
type viewRow struct {
	*pageview.Pageview
	row uint32
}

type stayRow struct {
	*pageview.Stay
	row uint32
}

// months are the pageviews and stays of a block by the months of their days.
func months(b *spool.Block) (map[int32][]viewRow, map[int32][]stayRow) {
	views, stays := map[int32][]viewRow{}, map[int32][]stayRow{}
	var row uint32
	known := monthOf()
	for i := range b.Groups {
		g := &b.Groups[i]
		for j := range g.Pageviews {
			m := known(g.Pageviews[j].Day)
			views[m] = append(views[m], viewRow{&g.Pageviews[j], row})
			row++
		}
		for j := range g.Stays {
			m := known(g.Stays[j].Day)
			stays[m] = append(stays[m], stayRow{&g.Stays[j], row})
			row++
		}
	}
	return views, stays
}

// monthOf tells the month of days, most of which are the same.
func monthOf() func(pageview.Day) int32 {
	var last pageview.Day
	month := monthNumber(0)
	return func(d pageview.Day) int32 {
		if d != last {
			last, month = d, monthNumber(d)
		}
		return month
	}
}

// monthNumber numbers the months.
func monthNumber(d pageview.Day) int32 {
	t := d.Date(time.UTC)
	return int32(t.Year())*12 + int32(t.Month()) - 1
}

// columnOf makes a column of rows.
func columnOf[R, V any](rows []R, of func(R) V) []V {
	values := make([]V, len(rows))
	for i, r := range rows {
		values[i] = of(r)
	}
	return values
}

// viewColumns are pageviews of one month of a block.
func viewColumns(spool, block uint64, views []viewRow) (c columns) {
	text := func(name string, of func(v viewRow) string) { c.add(name, columnOf(views, of)) }
	text("site", func(v viewRow) string { return v.Site })
	c.add("month", same(monthNumber(views[0].Day), len(views)))
	c.add("day", columnOf(views, func(v viewRow) int32 { return int32(v.Day) }))
	c.add("visitor", columnOf(views, func(v viewRow) uint64 { return v.Visitor }))
	c.add("at", columnOf(views, func(v viewRow) int64 { return v.At.UnixMicro() }))
	c.add("hour", columnOf(views, func(v viewRow) int64 { return v.Hour.Unix() }))
	text("path", func(v viewRow) string { return v.Path })
	text("referrer", func(v viewRow) string { return v.Referrer })
	text("referrer_page", func(v viewRow) string { return v.ReferrerPage })
	text("campaign", func(v viewRow) string { return v.Campaign.Name })
	text("campaign_source", func(v viewRow) string { return v.Campaign.Source })
	text("campaign_medium", func(v viewRow) string { return v.Campaign.Medium })
	text("browser", func(v viewRow) string { return v.Browser })
	text("system", func(v viewRow) string { return v.System })
	text("device", func(v viewRow) string { return v.Device })
	text("country", func(v viewRow) string { return v.Country })
	text("language", func(v viewRow) string { return v.Language })
	text("bot", func(v viewRow) string { return v.Bot })
	c.add("source", columnOf(views, func(v viewRow) uint8 { return uint8(v.Source) }))
	c.add("spool", same(spool, len(views)))
	c.add("block", same(block, len(views)))
	c.add("row", columnOf(views, func(v viewRow) uint32 { return v.row }))
	return c
}

// stayColumns are stays of one month of a block.
func stayColumns(spool, block uint64, stays []stayRow) (c columns) {
	c.add("site", columnOf(stays, func(v stayRow) string { return v.Site }))
	c.add("month", same(monthNumber(stays[0].Day), len(stays)))
	c.add("day", columnOf(stays, func(v stayRow) int32 { return int32(v.Day) }))
	c.add("at", columnOf(stays, func(v stayRow) int64 { return v.At.UnixMicro() }))
	c.add("path", columnOf(stays, func(v stayRow) string { return v.Path }))
	c.add("visitor", columnOf(stays, func(v stayRow) uint64 { return v.Visitor }))
	c.add("seconds", columnOf(stays, func(v stayRow) uint32 { return uint32(v.For.Round(time.Second).Seconds()) }))
	c.add("spool", same(spool, len(stays)))
	c.add("block", same(block, len(stays)))
	c.add("row", columnOf(stays, func(v stayRow) uint32 { return v.row }))
	return c
}

// same is a column of one value.
func same[V any](v V, n int) []V {
	values := make([]V, n)
	for i := range values {
		values[i] = v
	}
	return values
}
