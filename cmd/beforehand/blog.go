package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// blog is a made-up site: nine pages, a few hundred articles, and a year of
// pageviews. The same seed, number of pageviews and last day give the same
// pageviews.
type blog struct {
	site  string
	zone  *time.Location
	seed  uint64
	views int64
	last  pageview.Day
	pages []blogPage
}

// blogPage is a page of the blog.
type blogPage struct {
	path, title string
	weight      float64
	published   int // day of the year, less than zero before it
	article     bool
}

const (
	blogDays     = 365
	blogArticles = 300
	blogBatch    = 50_000 // pageviews handed to the store at once
)

func newBlog(site string, zone *time.Location, seed uint64, views int64, last pageview.Day) *blog {
	b := &blog{site: site, zone: zone, seed: seed, views: views, last: last}
	for i, p := range [9][2]string{
		{"/", "Home"},
		{"/posts/", "All posts"},
		{"/about/", "About"},
		{"/archive/", "Archive"},
		{"/tags/", "Tags"},
		{"/projects/", "Projects"},
		{"/reading/", "Reading list"},
		{"/uses/", "What I use"},
		{"/contact/", "Contact"},
	} {
		b.pages = append(b.pages, blogPage{path: p[0], title: p[1], weight: 2600 / float64(i+2), published: -1000})
	}
	b.write()
	return b
}

// write writes the articles.
func (b *blog) write() {
	r := rand.New(rand.NewPCG(b.seed, 1))
	forms := []string{
		"Notes on %s", "Why I stopped worrying about %s", "%s in ten minutes", "A small history of %s",
		"What nobody tells you about %s", "%s, explained slowly", "Measuring %s", "The case for %s",
		"Living with %s for a year", "Debugging %s at midnight", "%s without the hype", "Three mistakes with %s",
	}
	topics := []string{
		"time zones", "SQLite", "static sites", "bread", "keyboard layouts", "night trains", "monoliths", "column stores",
		"type inference", "RSS", "cold starts", "garbage collection", "fountain pens", "backups", "feature flags",
		"long walks", "error messages", "query planners", "cache invalidation", "small teams", "code review",
		"daylight saving", "map projections", "pull requests", "unit tests",
	}
	order := r.Perm(len(forms) * len(topics))
	for i := range blogArticles {
		title := fmt.Sprintf(forms[order[i]%len(forms)], topics[order[i]/len(forms)])
		title = strings.ToUpper(title[:1]) + title[1:]
		slug := strings.Map(func(c rune) rune {
			switch c {
			case ' ':
				return '-'
			case ',':
				return -1
			}
			return c
		}, strings.ToLower(title))
		b.pages = append(b.pages, blogPage{
			path: "/posts/" + slug + "/", title: title, article: true,
			weight:    0.4 / math.Pow(1-r.Float64()*0.995, 0.8), // a few are read far more than most
			published: i*(blogDays+90)/blogArticles - 90,
		})
	}
}

// generate hands all pageviews to yield, day after day, in batches. Each batch
// is yield's to keep.
func (b *blog) generate(ctx context.Context, yield func([]pageview.Pageview) error) error {
	batch := make([]pageview.Pageview, 0, blogBatch)
	for day, n := range b.perDay() {
		g := b.day(day, n)
		for range n {
			batch = append(batch, g.next())
			if len(batch) < blogBatch {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := yield(batch); err != nil {
				return err
			}
			batch = make([]pageview.Pageview, 0, blogBatch)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return yield(batch)
}

// perDay spreads the pageviews over the days: the blog grows, is read less at
// weekends, and has a few days of fame.
func (b *blog) perDay() []int64 {
	r := rand.New(rand.NewPCG(b.seed, 2))
	weights := make([]float64, blogDays)
	var total float64
	for i := range weights {
		w := 1 + 0.9*float64(i)/blogDays
		switch weekday := (int(b.last) - blogDays + 1 + i + 4) % 7; weekday {
		case 0, 6:
			w *= 0.72
		}
		w *= 0.92 + 0.16*r.Float64()
		if r.IntN(60) == 0 {
			w *= 2.2
		}
		weights[i] = w
		total += w
	}
	days := make([]int64, blogDays)
	var sum float64
	var given int64
	for i, w := range weights {
		sum += w
		upto := int64(math.Round(float64(b.views) * sum / total))
		days[i], given = upto-given, upto
	}
	days[blogDays-1] += b.views - given
	return days
}

// blogDay makes the pageviews of one day.
type blogDay struct {
	*blog
	r          *rand.Rand
	day        pageview.Day
	start      time.Time
	length     time.Duration
	pool       uint64 // visitors of the day
	salt       uint64
	pageSlots  []uint16
	hourShares []uint8
}

const blogSlots = 1 << 14

func (b *blog) day(i int, n int64) *blogDay {
	d := b.last - blogDays + 1 + pageview.Day(i)
	r := rand.New(rand.NewPCG(b.seed, 1000+uint64(i)))
	start := d.Date(b.zone)
	return &blogDay{
		blog: b, r: r, day: d, start: start, length: (d + 1).Date(b.zone).Sub(start),
		pool: uint64(float64(n)/2.4) + 1, salt: r.Uint64(),
		pageSlots: b.slots(i), hourShares: hourShares(),
	}
}

// slots gives each page a share of the slots by how much it is read on day i.
func (b *blog) slots(i int) []uint16 {
	weights := make([]float64, len(b.pages))
	var total float64
	for p, page := range b.pages {
		age := float64(i - page.published)
		switch {
		case age < 0: // not published yet
		case page.article:
			weights[p] = page.weight * (1 + 60*math.Exp(-age/4) + 12*math.Exp(-age/30))
		default:
			weights[p] = page.weight
		}
		total += weights[p]
	}
	slots := make([]uint16, 0, blogSlots)
	var sum float64
	for p, w := range weights {
		sum += w
		for len(slots) < int(math.Round(sum/total*blogSlots)) {
			slots = append(slots, uint16(p))
		}
	}
	return slots[:blogSlots]
}

// hourShares holds each hour of the day as often as it is read.
func hourShares() []uint8 {
	var shares []uint8
	for hour, n := range [24]int{4, 3, 2, 2, 2, 3, 5, 9, 13, 15, 15, 14, 13, 14, 15, 15, 14, 13, 13, 14, 15, 14, 11, 8} {
		for range n {
			shares = append(shares, uint8(hour))
		}
	}
	return shares
}

func (d *blogDay) next() pageview.Pageview {
	bits := d.r.Uint64()
	page := &d.pages[d.pageSlots[bits%blogSlots]]
	bits /= blogSlots
	hour := d.hourShares[bits%uint64(len(d.hourShares))]
	bits /= 256
	second := float64(hour)*3600 + float64(bits%(3600*64))/64
	who := (d.salt + bits/(3600*64)%d.pool) * 0x9E3779B97F4A7C15 // spreads neighbours apart
	agent := &blogAgents[who>>33%uint64(len(blogAgents))]
	land := &blogLands[who>>21%uint64(len(blogLands))]
	at := d.start.Add(time.Duration(second / 86400 * float64(d.length)))
	return pageview.Pageview{
		Site: d.site, At: at, Day: d.day, Hour: pageview.HourOf(at.In(d.zone)),
		Path: page.path, Title: page.title, Visitor: who, Source: pageview.SourceDemo,
		Referrer: blogReferrers[bits%uint64(len(blogReferrers))],
		Browser:  agent[0], System: agent[1], Device: agent[2], Country: land[0], Language: land[1],
	}
}

// today makes the pageviews of a day after the year, so many as those before had.
func (b *blog) today(day pageview.Day) (g *blogDay, n int64) {
	before := b.perDay()[blogDays-7:]
	for _, views := range before {
		n += views
	}
	n /= int64(len(before))
	return b.day(int(day-b.last)+blogDays-1, n), n
}

// until hands those of a day's n pageviews to yield, in batches, that lie before
// an instant.
func (d *blogDay) until(now time.Time, n int64, yield func([]pageview.Pageview) error) error {
	var batch []pageview.Pageview
	for i := range n {
		if v := d.next(); v.At.Before(now) {
			batch = append(batch, v)
		}
		if len(batch) == blogBatch || i == n-1 && len(batch) > 0 {
			if err := yield(batch); err != nil {
				return err
			}
			batch = nil
		}
	}
	return nil
}

// pace is how many pageviews of the day's n come in a second of an hour.
func (d *blogDay) pace(hour int, n int64) float64 {
	share := 0
	for _, h := range d.hourShares {
		if int(h) == hour {
			share++
		}
	}
	return float64(n) * float64(share) / float64(len(d.hourShares)) / 3600
}

// What the visitors of the blog use, where they live and what they come from.
var (
	blogAgents = [...][3]string{
		{"Chrome", "Windows", "desktop"},
		{"Chrome", "Android", "mobile"},
		{"Safari", "iOS", "mobile"},
		{"Chrome", "macOS", "desktop"},
		{"Firefox", "Linux", "desktop"},
		{"Safari", "macOS", "desktop"},
		{"Edge", "Windows", "desktop"},
		{"Firefox", "Windows", "desktop"},
		{"Safari", "iOS", "tablet"},
	}
	blogLands = [...][2]string{
		{"US", "en-US"},
		{"US", "en-US"},
		{"US", "en-US"},
		{"US", "es-US"},
		{"DE", "de-DE"},
		{"DE", "de-DE"},
		{"CN", "zh-CN"},
		{"CN", "zh-CN"},
		{"GB", "en-GB"},
		{"GB", "en-GB"},
		{"FR", "fr-FR"},
		{"IN", "en-IN"},
		{"CA", "en-CA"},
		{"JP", "ja-JP"},
		{"BR", "pt-BR"},
		{"NL", "nl-NL"},
		{"", "en"},
	}
	blogReferrers = [...]string{"", "", "", "", "google.com", "google.com", "news.example", "duckduckgo.com", "social.example"}
)
