// Package trigger_test measures the trigger package beside other cron
// libraries, in one run: go test -bench . ./trigger
package trigger_test

import (
	"testing"
	"time"

	"github.com/adhocore/gronx"
	netresearch "github.com/netresearch/go-cron"
	"github.com/reugn/go-quartz/quartz"
	robfig "github.com/robfig/cron/v3"

	"github.com/beforehand-go/beforehand/trigger"
)

type next func(after time.Time) time.Time

// A library parses an expression and answers with the next due instant.
type library struct {
	name  string
	parse func(expr string, zone *time.Location) (next, error)
}

var (
	robfigParser      = robfig.NewParser(robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow)
	netresearchParser = netresearch.MustNewParser(netresearch.Minute | netresearch.Hour | netresearch.Dom | netresearch.Month | netresearch.Dow | netresearch.Extended)
)

// sink keeps results alive.
var sink time.Time

var libraries = []library{
	{"beforehand", func(expr string, zone *time.Location) (next, error) {
		c, err := trigger.ParseCron(expr)
		if err != nil {
			return nil, err
		}
		var t trigger.Trigger = c.In(zone)
		return t.Next, nil
	}},
	{"robfig", func(expr string, zone *time.Location) (next, error) {
		s, err := robfigParser.Parse(expr)
		if err != nil {
			return nil, err
		}
		s.(*robfig.SpecSchedule).Location = zone
		return s.Next, nil
	}},
	{"netresearch", func(expr string, zone *time.Location) (next, error) {
		s, err := netresearchParser.Parse(expr)
		if err != nil {
			return nil, err
		}
		s.(*netresearch.SpecSchedule).Location = zone
		return s.Next, nil
	}},
	{"gronx", func(expr string, zone *time.Location) (next, error) {
		// It has no parsed form: every question parses again.
		if _, err := gronx.Segments(expr); err != nil {
			return nil, err
		}
		return func(after time.Time) time.Time {
			t, err := gronx.NextTickAfter(expr, after.In(zone), false)
			if err != nil {
				return time.Time{}
			}
			return t
		}, nil
	}},
	{"go-quartz", func(expr string, zone *time.Location) (next, error) {
		c, err := quartz.NewCronTriggerWithLoc("0 "+expr, zone)
		if err != nil {
			return nil, err
		}
		return func(after time.Time) time.Time {
			ns, err := c.NextFireTime(after.UnixNano())
			if err != nil {
				return time.Time{}
			}
			return time.Unix(0, ns)
		}, nil
	}},
}

var expressions = []struct{ name, expr, quartz string }{
	{"minute", "* * * * *", "* * * * ?"},
	{"hourly", "0 * * * *", "0 * * * ?"},
	{"daily", "30 4 * * *", "30 4 * * ?"},
	{"office", "*/15 9-17 * * 1-5", "*/15 9-17 ? * 2-6"},
	{"31st", "0 0 31 * *", "0 0 31 * ?"},
	{"leapday", "0 0 29 2 *", "0 0 29 2 ?"},
	{"L", "0 0 L * *", "0 0 L * ?"},
	{"W", "0 0 15W * *", "0 0 15W * ?"},
	{"nth", "0 0 * * 1#2", "0 0 ? * 2#2"},
}

// union is twenty expressions of which the earliest counts.
var union = []string{
	"5 0 * * *", "10 1 * * *", "15 2 * * *", "20 3 * * *", "25 4 * * *", "30 5 * * *", "35 6 * * *",
	"40 7 * * *", "45 8 * * *", "50 9 * * *", "55 10 * * *", "0 11 * * *", "5 12 * * *", "10 13 * * *",
	"15 14 * * 1-5", "20 15 * * 1-5", "25 16 * * 1-5", "30 17 * * 1-5", "35 18 1 * *", "40 19 1 * *",
}

// instants are the questions: eight years, an odd stretch apart.
func instants() []time.Time {
	var all []time.Time
	for i := range 64 {
		all = append(all, time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC).Add(time.Duration(i)*1103*time.Hour+time.Duration(i)*17*time.Minute))
	}
	return all
}

func zones(b *testing.B) []*time.Location {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		b.Fatal(err)
	}
	return []*time.Location{time.UTC, london}
}

func (l *library) expression(standard, quartz string) string {
	if l.name == "go-quartz" {
		return quartz
	}
	return standard
}

func BenchmarkNext(b *testing.B) {
	for _, zone := range zones(b) {
		for _, e := range expressions {
			for _, l := range libraries {
				n, err := l.parse(l.expression(e.expr, e.quartz), zone)
				if err != nil {
					continue // the library does not know this
				}
				b.Run(zone.String()+"/"+e.name+"/"+l.name, func(b *testing.B) { ask(b, n) })
			}
		}
		for _, l := range libraries {
			b.Run(zone.String()+"/union/"+l.name, func(b *testing.B) { ask(b, unite(b, &l, zone)) })
		}
	}
}

func ask(b *testing.B, n next) {
	b.ReportAllocs()
	all := instants()
	for i := 0; b.Loop(); i++ {
		sink = n(all[i%len(all)])
	}
}

// unite joins the twenty: by Union here, by hand for the others.
func unite(b *testing.B, l *library, zone *time.Location) next {
	var all []next
	var triggers []trigger.Trigger
	for _, expr := range union {
		if l.name == "beforehand" {
			triggers = append(triggers, trigger.MustCron(expr).In(zone))
			continue
		}
		n, err := l.parse(l.expression(expr, quartzUnion(expr)), zone)
		if err != nil {
			b.Skip(err)
		}
		all = append(all, n)
	}
	if triggers != nil {
		return trigger.Union(triggers...).Next
	}
	return func(after time.Time) (earliest time.Time) {
		for _, n := range all {
			if t := n(after); earliest.IsZero() || !t.IsZero() && t.Before(earliest) {
				earliest = t
			}
		}
		return earliest
	}
}

// quartzUnion writes one of the twenty with the question mark that Quartz needs.
func quartzUnion(expr string) string {
	if i := len(expr) - len("1-5"); expr[i:] == "1-5" {
		return expr[:i-len("* * ")] + "? * 2-6"
	}
	return expr[:len(expr)-1] + "?"
}

func BenchmarkParse(b *testing.B) {
	for _, e := range expressions {
		for _, l := range libraries {
			expr := l.expression(e.expr, e.quartz)
			if _, err := l.parse(expr, time.UTC); err != nil {
				continue
			}
			b.Run(e.name+"/"+l.name, func(b *testing.B) { parse(b, &l, expr) })
		}
	}
	for _, l := range libraries {
		all := union
		if l.name == "go-quartz" {
			all = nil
			for _, expr := range union {
				all = append(all, quartzUnion(expr))
			}
		}
		b.Run("union/"+l.name, func(b *testing.B) { parse(b, &l, all...) })
	}
}

func parse(b *testing.B, l *library, all ...string) {
	b.ReportAllocs()
	for b.Loop() {
		for _, expr := range all {
			if _, err := l.parse(expr, time.UTC); err != nil {
				b.Fatal(err)
			}
		}
	}
}
