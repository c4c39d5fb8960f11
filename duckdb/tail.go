package duckdb

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// tailRows is how many pageviews the tail holds: 6 MB.
const tailRows = 1 << 16

// tail holds in memory the pageviews that were written last, those of all sites, until
// they are added up, so that what is new is not read for that. It has them before they are
// committed: who reads it knows up to which number they are.
type tail struct {
	mu    sync.Mutex
	after uint64            // whatever has a greater number is held, …
	added map[uint16]uint64 // … but for what was added up of a site, up to a number
	rows  []viewRow         // in the order of their numbers; what somebody was given of it is never changed
	most  int
}

// begin holds what is written after a number.
func (t *tail) begin(after uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.after, t.added, t.rows = after, map[uint16]uint64{}, nil
}

// add adds what is written next. The older half gives way where there is no room.
func (t *tail) add(rows []viewRow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if over := len(t.rows) + len(rows) - t.most; over > 0 {
		kept := make([]viewRow, 0, t.most)
		for _, part := range [][]viewRow{t.rows, rows} {
			gone := min(len(part), over+t.most/2)
			if over -= gone; gone > 0 {
				t.after = part[gone-1].seq
			}
			kept = append(kept, part[gone:]...)
		}
		t.rows = kept
		return
	}
	t.rows = append(t.rows, rows...)
}

// since are pageviews with greater numbers, and whether all of a site are held.
func (t *tail) since(site uint16, after uint64) (rows []viewRow, held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if after < max(t.after, t.added[site]) {
		return nil, false
	}
	from, _ := slices.BinarySearchFunc(t.rows, after+1, func(r viewRow, seq uint64) int { return cmp.Compare(r.seq, seq) })
	return t.rows[from:], true
}

// drop lets go of what was added up of a site.
func (t *tail) drop(site uint16, through uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var kept []viewRow
	for _, r := range t.rows {
		if r.site != site || r.seq > through {
			kept = append(kept, r)
		}
	}
	t.rows, t.added[site] = kept, through
}

// key is the value of a dimension; see rolled.key.
func (r *viewRow) key(d rolled) uint64 {
	switch d {
	case rolledPage:
		return uint64(r.page)
	case rolledReferrer:
		return uint64(r.referrer)
	case rolledReferrerPage:
		return uint64(r.referrerPage)
	case rolledCampaign:
		return uint64(r.campaign)
	case rolledCampaignSource:
		return uint64(r.campaignSource)
	case rolledCampaignMedium:
		return uint64(r.campaignMedium)
	case rolledBrowser:
		return uint64(r.browser)
	case rolledSystem:
		return uint64(r.system)
	case rolledDevice:
		return uint64(r.device)
	case rolledCountry:
		return uint64(r.country)
	case rolledLanguage:
		return uint64(r.language)
	case rolledSource:
		return uint64(r.source)
	case rolledBot:
		return uint64(r.bot)
	}
	panic(fmt.Sprintf("a pageview has no %s", d))
}

// newRows are the pageviews of some held ones that are new, by day, and how many there
// are; see readNew.
func (f *folder) newRows(held []viewRow) (rows map[pageview.Day][]newRow, n int) {
	packed, numbers := f.packed()
	scores := f.scores()
	left := engine.Left(f.v.mixed[f.site.id], f.site.precedence, f.v.through)
	ofPersons, ofBots := f.adds(persons) || f.adds(mixed), f.adds(bots) || f.adds(mixed)
	rows = map[pageview.Day][]newRow{}
	all := make([]int64, 0, len(held)*(2+numbers+len(scores))) // cells and weights of all rows
	for i := range held {
		r := &held[i]
		if r.site != f.site.id || r.seq > f.v.through || r.bot == 0 && !ofPersons || r.bot != 0 && !ofBots ||
			slices.ContainsFunc(left, func(l engine.Stretch) bool {
				return uint8(l.Source) == r.source && l.First <= r.day && r.day <= l.Last
			}) {
			continue
		}
		from, mid := len(all), len(all)+2+numbers
		all = append(all[:mid], make([]int64, len(scores))...)
		cells, weights := all[from:mid:mid], all[mid:len(all):len(all)]
		cells[0], cells[1] = int64(r.at), int64(math.RoundToEven(float64(r.hour)/1e6))
		for _, p := range packed {
			cells[2+p.number] |= int64(r.key(p.dimension) << p.shift)
		}
		for i, d := range scores {
			weights[i] = d.weigh(int64(r.at), r.day)
		}
		rows[r.day] = append(rows[r.day], newRow{r.visitor, cells, weights})
		n++
	}
	return rows, n
}
