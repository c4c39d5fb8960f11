package engine

import (
	"cmp"
	"maps"
	"slices"

	"github.com/beforehand-go/beforehand/pageview"
)

// Began tells when the first pageview of a source on a day was kept, by a person
// and by a bot, as a number that grows with what is kept. Zero means that there
// is none.
type Began struct {
	Source      pageview.Source
	Person, Bot uint64
}

// Known tells whether anything of it was kept up to a number.
func (b Began) Known(through uint64) bool {
	return b.Person != 0 && b.Person <= through || b.Bot != 0 && b.Bot <= through
}

// Counted are the sources that count on a day, of what was kept up to a number.
func Counted(p pageview.Precedence, sources []Began, through uint64) []pageview.Source {
	var persons, all []pageview.Source
	for _, b := range sources {
		if b.Person != 0 && b.Person <= through {
			persons = append(persons, b.Source)
		}
		if b.Known(through) {
			all = append(all, b.Source)
		}
	}
	return p.Counted(persons, all)
}

// Stretch is a stretch of days on which a source does not count.
type Stretch struct {
	Source      pageview.Source
	First, Last pageview.Day
}

// Left are the stretches of days on which a source does not count, of what was
// kept up to a number. Days with one source need not be told.
func Left(days map[pageview.Day][]Began, p pageview.Precedence, through uint64) []Stretch {
	var done []Stretch
	open := map[pageview.Source]Stretch{}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		counts := Counted(p, days[day], through)
		for _, b := range days[day] {
			s, ok := open[b.Source]
			switch {
			case !b.Known(through), slices.Contains(counts, b.Source):
				continue
			case ok && s.Last == day-1:
				s.Last = day
			default:
				if ok {
					done = append(done, s)
				}
				s = Stretch{b.Source, day, day}
			}
			open[b.Source] = s
		}
	}
	return slices.AppendSeq(done, maps.Values(open))
}

// Uncounted are the sources that do not count on some of the days from one to
// another; zero means no bound.
func Uncounted(left []Stretch, from, to pageview.Day) []pageview.Uncounted {
	of := map[pageview.Source]pageview.Uncounted{}
	for _, l := range left {
		first, last := l.First, l.Last
		if from != 0 {
			first = max(first, from)
		}
		if to != 0 {
			last = min(last, to)
		}
		if first > last {
			continue
		}
		u, known := of[l.Source]
		if !known {
			u = pageview.Uncounted{Source: l.Source, First: first, Last: last}
		}
		u.First, u.Last = min(u.First, first), max(u.Last, last)
		u.Days += int(last-first) + 1
		of[l.Source] = u
	}
	return slices.SortedFunc(maps.Values(of), func(a, b pageview.Uncounted) int { return cmp.Compare(a.Source, b.Source) })
}
