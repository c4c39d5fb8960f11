package trigger

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// prove asks for the long form of the proofs.
var prove = os.Getenv("BEFOREHAND_PROVE") != ""

// systemZones loads every zone of the system's time zone database, those with
// the same content once.
func systemZones(t *testing.T) []*time.Location {
	t.Helper()
	const root = "/usr/share/zoneinfo"
	seen := map[[32]byte]bool{}
	var zones []*time.Location
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if d.IsDir() && (name == "posix" || name == "right") {
			return fs.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(data), "TZif") || seen[sha256.Sum256(data)] {
			return err
		}
		seen[sha256.Sum256(data)] = true
		zone, err := time.LoadLocationFromTZData(filepath.ToSlash(name), data)
		if err == nil {
			zones = append(zones, zone)
		}
		return err
	})
	if err != nil || len(zones) == 0 {
		t.Skipf("no time zone database below %s; install the package tzdata: %v", root, err)
	}
	return zones
}

// transitions lists when a zone's offset changes from 1970 to 2100.
func transitions(zone *time.Location) (at []int64) {
	end := time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for s := int64(0); s < end; {
		seg := segmentAt(zone, s)
		if seg.end < end && segmentAt(zone, seg.end).offset != seg.offset {
			at = append(at, seg.end)
		}
		s = seg.end
	}
	return at
}

func offsetAt(zone *time.Location, second int64) int64 {
	_, offset := time.Unix(second, 0).In(zone).Zone()
	return int64(offset)
}

// A rule pairs a cron expression with the same said in Go.
type rule struct {
	expr  string
	fixed bool
	day   func(t time.Time) bool
	clock func(hour, minute int) bool
}

func anyDay(time.Time) bool { return true }

func at(clocks ...int) func(hour, minute int) bool {
	return func(hour, minute int) bool { return slices.Contains(clocks, hour*100+minute) }
}

var rules = []rule{
	{"* * * * *", false, anyDay, func(int, int) bool { return true }},
	{"0 * * * *", false, anyDay, func(_, m int) bool { return m == 0 }},
	{"*/7 1-3 * * *", false, anyDay, func(h, m int) bool { return m%7 == 0 && h >= 1 && h <= 3 }},
	{"5/20 22-2 * * *", false, anyDay, func(h, m int) bool { return m%20 == 5 && (h >= 22 || h <= 2) }},
	{"0 0 * * *", true, anyDay, at(0)},
	{"30 0 * * *", true, anyDay, at(30)},
	{"30 1 * * *", true, anyDay, at(130)},
	{"0,30 2,3 * * *", true, anyDay, at(200, 230, 300, 330)},
	{"59 23 * * SUN", true, func(t time.Time) bool { return t.Weekday() == 0 }, at(2359)},
	{"15 0-4 * * *", true, anyDay, at(15, 115, 215, 315, 415)},
	{"0 12 L * *", true, func(t time.Time) bool { return t.AddDate(0, 0, 1).Day() == 1 }, at(1200)},
	{"0 2 13 * FRI-MON", true, func(t time.Time) bool {
		return t.Day() == 13 || t.Weekday() >= 5 || t.Weekday() <= 1
	}, at(200)},
	{"30 2 */2 * 0", true, func(t time.Time) bool { return t.Day()%2 == 1 && t.Weekday() == 0 }, at(230)},
	{"45 */5 1W 3,9-11 *", false, func(t time.Time) bool {
		m, d, w := t.Month(), t.Day(), t.Weekday()
		first := d == 1 && w >= 1 && w <= 5 || d == 2 && w == 1 || d == 3 && w == 1
		return (m == 3 || m >= 9 && m <= 11) && first
	}, func(h, m int) bool { return h%5 == 0 && m == 45 }},
}

// A reading is an instant at which a local clock shows a full minute, or at
// which it jumps, with what it shows and the latest it has shown before.
type reading struct{ second, local, high int64 }

// readings looks at every minute of a local clock from one second up to
// another.
func readings(zone *time.Location, from, to int64) (all []reading) {
	s := from - 3*daySeconds
	offset := offsetAt(zone, s)
	high := s + offset
	for s < to {
		s += 60 - floorMod(s+offset, 60)
		if before := offset; offsetAt(zone, s) != before {
			for s--; offsetAt(zone, s) != before; s-- {
			}
			s++ // the first second with the new offset
			offset = offsetAt(zone, s)
		}
		local := s + offset
		if s >= from && s < to {
			all = append(all, reading{s, local, high})
		}
		high = max(high, local)
	}
	return all
}

// scan finds the due instants of a rule among the readings of a clock.
func (r *rule) scan(clock []reading, saving Saving) (due []int64) {
	shift := saving&ShiftGap != 0 || saving&SkipGap == 0 && r.fixed
	once := saving&FirstPass != 0 || saving&BothPasses == 0 && r.fixed
	matches := func(local int64) bool {
		second := int(floorMod(local, daySeconds))
		return second%60 == 0 && r.clock(second/3600, second/60%60) && r.day(time.Unix(local, 0).UTC())
	}
	for _, now := range clock {
		is := (!once || now.local > now.high) && matches(now.local)
		missed := now.high - floorMod(now.high, 60) + 60
		for ; shift && missed < now.local && now.local-now.high <= daySeconds && !is; missed += 60 {
			is = matches(missed)
		}
		if is {
			due = append(due, now.second)
		}
	}
	return due
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// walk asks Next for the due instants from one second up to another.
func walk(t Trigger, from, to int64) (due []int64) {
	for at := t.Next(time.Unix(from, -1)); !at.IsZero() && at.Unix() < to; at = t.Next(at) {
		if n := len(due); n > 0 && due[n-1] >= at.Unix() {
			return append(due, at.Unix())
		}
		due = append(due, at.Unix())
	}
	return due
}

// compare holds Next to a scan from one second up to another.
func compare(t *testing.T, r *rule, zone *time.Location, saving Saving, from, to int64) {
	t.Helper()
	compareTo(t, readings(zone, from, to), r, zone, saving, from, to)
}

func compareTo(t *testing.T, clock []reading, r *rule, zone *time.Location, saving Saving, from, to int64) {
	t.Helper()
	c := MustCron(r.expr).In(zone).DST(saving)
	if c.pattern.fixed != r.fixed {
		t.Fatalf("%v: fixed = %v", c, c.pattern.fixed)
	}
	got, want := walk(c, from, to), r.scan(clock, saving)
	if slices.Equal(got, want) {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	show := func(due []int64) string {
		if i == len(due) {
			return "nothing"
		}
		return fmt.Sprint(time.Unix(due[i], 0).In(zone))
	}
	t.Fatalf("%v from %v: Next gives %s where a scan gives %s", c, time.Unix(from, 0).In(zone), show(got), show(want))
}

var savings = []Saving{0, SkipGap, ShiftGap, FirstPass, BothPasses, SkipGap | FirstPass, ShiftGap | FirstPass, SkipGap | BothPasses, ShiftGap | BothPasses}

// TestNoTransitionLosesAnInstant compares Next with a scan of every minute
// within three days of transitions of all zones: all of them from 1970 to 2100
// in the long form, some in the short.
func TestNoTransitionLosesAnInstant(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	n := 0
	for _, zone := range systemZones(t) {
		all := transitions(zone)
		for _, at := range all {
			if !prove && r.IntN(len(all)) > 0 {
				continue
			}
			from, to := at-3*daySeconds, at+3*daySeconds
			clock := readings(zone, from, to)
			compareTo(t, clock, &rules[n%len(rules)], zone, savings[r.IntN(len(savings))], from, to)
			for k := 0; prove && k < len(rules); k++ {
				compareTo(t, clock, &rules[k], zone, 0, from, to)
			}
			n++
		}
	}
	t.Logf("%d transitions compared", n)
}

// TestRandomDays compares Next with a scan of every minute of random days in
// random zones.
func TestRandomDays(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	zones := systemZones(t)
	days := 500
	if prove {
		days = 10_000
	}
	for range days {
		from := r.Int64N(131*365) * daySeconds
		compare(t, &rules[r.IntN(len(rules))], zones[r.IntN(len(zones))], savings[r.IntN(len(savings))], from, from+daySeconds)
	}
}

// TestSegments holds segments against the offsets of single instants.
func TestSegments(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, zone := range systemZones(t) {
		for range 100 {
			s := r.Int64N(300*365*daySeconds) - 100*365*daySeconds
			seg := segmentAt(zone, s)
			if seg.end <= s || seg.start > s {
				t.Fatalf("%v: the segment at %d is from %d to %d", zone, s, seg.start, seg.end)
			}
			for range 10 {
				if at := s + r.Int64N(min(seg.end-s, 400*daySeconds)); offsetAt(zone, at) != seg.offset {
					t.Fatalf("%v: the segment at %d has the offset %d, but not at %d", zone, s, seg.offset, at)
				}
			}
		}
	}
}

// TestLastDayOfLeapYears walks the days on which the standard library's zone
// bounds end before they begin.
func TestLastDayOfLeapYears(t *testing.T) {
	for _, name := range []string{"Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Nuuk"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Skip("no time zone database: ", err)
		}
		for _, year := range []int{2040, 2096, 2104, 2400} {
			from := time.Date(year, 12, 30, 0, 0, 0, 0, time.UTC).Unix()
			compare(t, &rules[1], zone, 0, from, from+4*daySeconds)
		}
	}
}
