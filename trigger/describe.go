package trigger

import (
	"fmt"
	"math/bits"
	"strconv"
	"time"
)

// Describe puts into words what a trigger means: "every weekday at 04:00 in
// Europe/London". A trigger that is not of this package is named by its text,
// or its type if it has none.
func Describe(t Trigger, l Language) string {
	p := &languages[l]
	switch t := t.(type) {
	case Never:
		return p.never
	case Interval:
		if t.Every <= 0 {
			return p.never
		}
		if t.Anchor.IsZero() {
			return p.often(t.Every)
		}
		return fmt.Sprintf(p.counted, p.often(t.Every), formatInstant(t.Anchor))
	case AfterEnd:
		if t.pause <= 0 {
			return p.never
		}
		return fmt.Sprintf(p.afterEnd, p.duration(t.pause))
	case Freshness:
		if t.age <= 0 {
			return p.never
		}
		return fmt.Sprintf(p.fresh, p.duration(t.age))
	case Instants:
		return p.instantList(t.at)
	case Cron:
		return p.cron(t)
	case Wall:
		return p.wall(t)
	case combinator:
		return p.combinator(t, l)
	}
	return textOf(t)
}

func (p *phrases) combinator(t combinator, l Language) string {
	var parts []string
	for _, inner := range t.inside() {
		parts = append(parts, Describe(inner, l))
	}
	switch t := t.(type) {
	case Filtered:
		format := p.except
		if t.only {
			format = p.only
		}
		return fmt.Sprintf(format, parts[0], t.calendar.Name())
	case Bounded:
		return p.bounded(t, parts[0])
	case Limited:
		return fmt.Sprintf(p.limit, parts[0], t.left)
	case Jittered:
		if t.most > 0 {
			return fmt.Sprintf(p.jitter, parts[0], p.duration(t.most))
		}
	case Any:
		if len(parts) == 0 {
			return p.never
		}
		for _, more := range parts[1:] {
			parts[0] += p.also + more
		}
	}
	return parts[0]
}

func (p *phrases) bounded(b Bounded, inner string) string {
	from, to := formatInstant(b.from), formatInstant(b.to)
	switch {
	case !b.from.IsZero() && !b.to.IsZero():
		return fmt.Sprintf(p.between, inner, from, to)
	case !b.from.IsZero():
		return fmt.Sprintf(p.since, inner, from)
	case !b.to.IsZero():
		return fmt.Sprintf(p.until, inner, to)
	}
	return inner
}

// instantList names the first of a list of instants.
func (p *phrases) instantList(at []time.Time) string {
	if len(at) == 0 {
		return p.never
	}
	const most = 4
	var words []string
	for i, t := range at {
		if i == most-1 && len(at) > most {
			words = append(words, fmt.Sprintf(p.more, len(at)-i))
			break
		}
		words = append(words, formatInstant(t))
	}
	return fmt.Sprintf(p.instants, p.list(words))
}

func (p *phrases) in(zone *time.Location, words string) string {
	if zone == nil {
		zone = time.UTC
	}
	return fmt.Sprintf(p.zone, words, zone)
}

func (p *phrases) wall(w Wall) string {
	if len(w.patterns) == 0 {
		return p.never
	}
	return p.in(w.zone, fmt.Sprintf(p.dayAndClock, p.dates(&w.patterns[0]), p.clockList(w.clocks)))
}

func (p *phrases) clockList(clocks []Clock) string {
	var words []string
	for _, c := range clocks {
		words = append(words, c.String())
	}
	return p.list(words)
}

func (p *phrases) cron(c Cron) string {
	switch {
	case c.every > 0:
		return p.often(c.every)
	case c.pattern.hour == 0:
		return p.never
	}
	return p.in(c.zone, p.pattern(&c.pattern))
}

// Times of day are listed up to so many, and else said by hours and minutes.
const mostClocks = 6

func (p *phrases) pattern(t *pattern) string {
	hours, minutes, seconds := values(uint64(t.hour)), values(t.minute), values(t.second)
	if len(hours)*len(minutes)*len(seconds) <= mostClocks {
		var clocks []Clock
		for _, h := range hours {
			for _, m := range minutes {
				for _, s := range seconds {
					clocks = append(clocks, Clock{h, m, s})
				}
			}
		}
		return fmt.Sprintf(p.dayAndClock, p.dates(t), p.clockList(clocks))
	}
	words := p.clock(hours, minutes, seconds)
	if days := p.dates(t); days != p.everyDay {
		words = fmt.Sprintf(p.clockAndDay, words, days)
	}
	return words
}

// clock says times of day by seconds, minutes and hours.
func (p *phrases) clock(hours, minutes, seconds []int) string {
	atFull := func(v []int) bool { return len(v) == 1 && v[0] == 0 }
	words := ""
	add := func(s string) {
		if words != "" {
			s = fmt.Sprintf(p.clockAndDay, words, s)
		}
		words = s
	}
	if !atFull(seconds) {
		add(p.stepped(2, seconds, 60))
	}
	if words == "" && atFull(minutes) {
		return p.stepped(0, hours, 24)
	}
	if words == "" || len(minutes) < 60 {
		add(p.stepped(1, minutes, 60))
	}
	if len(hours) < 24 {
		if n := len(hours); hours[n-1]-hours[0] == n-1 {
			add(fmt.Sprintf(p.hourSpan, hours[0], hours[n-1]))
		} else {
			add(p.valueList(0, hours))
		}
	}
	return words
}

// stepped says values of hours, minutes or seconds (unit 0, 1, 2), as steps if
// they are even to the end.
func (p *phrases) stepped(unit int, v []int, size int) string {
	step := size
	if len(v) > 1 {
		step = v[1] - v[0]
	}
	for i := range v[1:] {
		if v[i+1]-v[i] != step {
			step = 0
		}
	}
	switch {
	case step == 0 || len(v) < 3 || v[0] >= step || v[len(v)-1]+step < size:
		return p.valueList(unit, v)
	case v[0] == 0 && size%step == 0:
		return p.often(time.Duration(step) * [3]time.Duration{time.Hour, time.Minute, time.Second}[unit])
	}
	return fmt.Sprintf(p.stepsFrom[unit], step, v[0])
}

func (p *phrases) valueList(unit int, v []int) string {
	return fmt.Sprintf(p.valuesOf[unit], p.numbers(v, strconv.Itoa))
}

// values lists the bits that are set.
func values(set uint64) (v []int) {
	for ; set != 0; set &= set - 1 {
		v = append(v, bits.TrailingZeros64(set))
	}
	return v
}

// dates says on which days, months and years.
func (p *phrases) dates(t *pattern) string {
	words := p.everyDay
	if !t.everyDay {
		date, week := p.monthDays(t), p.weekdays(t)
		switch {
		case t.either && date != "" && week != "":
			words = fmt.Sprintf(p.either, date, week)
		case t.either || date == "" && week == "":
		case date == "":
			words = week
		case week == "":
			words = date
		default:
			words = fmt.Sprintf(p.both, week, date)
		}
	}
	if t.month != allMonths {
		months := p.numbers(values(uint64(t.month)), func(n int) string { return p.monthNames[n-1] })
		words = fmt.Sprintf(p.months, words, months)
	}
	if !t.anyYear {
		words = fmt.Sprintf(p.years, words, p.numbers(yearsOf(t), strconv.Itoa))
	}
	return words
}

func yearsOf(t *pattern) (years []int) {
	for i, set := range t.years {
		for _, n := range values(set) {
			years = append(years, firstYear+64*i+n)
		}
	}
	return years
}

// monthDays says the days of the month, or nothing if all are meant.
func (p *phrases) monthDays(t *pattern) string {
	if t.days == allDays {
		return ""
	}
	var words []string
	if t.days != 0 {
		words = append(words, fmt.Sprintf(p.day, p.numbers(values(uint64(t.days)), strconv.Itoa)))
	}
	for _, n := range values(uint64(t.workday)) {
		if n == 0 {
			words = append(words, p.lastWorkday)
		} else {
			words = append(words, fmt.Sprintf(p.nearest, n))
		}
	}
	for _, n := range values(uint64(t.fromEnd)) {
		if n == 0 {
			words = append(words, p.lastDay)
		} else {
			words = append(words, fmt.Sprintf(p.beforeLast, n+1))
		}
	}
	return fmt.Sprintf(p.days, p.list(words))
}

// weekdays says the days of the week, or nothing if all are meant.
func (p *phrases) weekdays(t *pattern) string {
	const mondayToFriday = 0b0111110
	var words []string
	switch t.weekday {
	case allWeekdays:
		return ""
	case 0:
	case mondayToFriday:
		words = append(words, p.workweek)
	default:
		// Sunday last, so that a weekend is a row.
		days := values(uint64(t.weekday&^1) | uint64(t.weekday&1)<<7)
		names := p.numbers(days, func(n int) string { return p.weekdayNames[n%7] })
		words = append(words, fmt.Sprintf(p.everyWeekday, names))
	}
	for _, n := range values(t.nth) {
		if n < 5*7 {
			words = append(words, fmt.Sprintf(p.nthWeekday, p.ordinals[n/7], p.weekdayNames[n%7]))
		} else {
			words = append(words, fmt.Sprintf(p.lastWeekday, p.weekdayNames[n%7]))
		}
	}
	return p.list(words)
}

// Sentence says what is special about a tick and why; nothing if it is plain.
func (t Tick) Sentence(l Language) string {
	p := &languages[l]
	if t.Kind == Plain {
		return ""
	}
	if t.Kind == Excluded {
		return fmt.Sprintf(p.excluded, t.Calendar)
	}
	jump, back := p.jumps, t.To.Before(t.From)
	if back {
		jump = p.jumpsBack
	}
	// The date is said where a jump passes over midnight.
	layout := time.TimeOnly[:5]
	if t.From.Truncate(24*time.Hour) != t.To.Truncate(24*time.Hour) {
		layout = time.DateOnly + " " + layout
	}
	why := fmt.Sprintf(jump, t.Zone, t.From.Format(layout), t.To.Format(layout))
	format := p.gone
	switch {
	case t.Kind == Moved:
		format = p.moved
	case t.Kind == Doubled:
		format = p.second
	case back:
		format = p.again
	}
	return fmt.Sprintf(format, p.localTimes(t.Local, layout), why)
}

// localTimes lists local times, more than four by the first and the last.
func (p *phrases) localTimes(local []time.Time, layout string) string {
	if len(local) > 4 {
		return fmt.Sprintf(p.to, local[0].Format(layout), local[len(local)-1].Format(layout))
	}
	var words []string
	for _, t := range local {
		words = append(words, t.Format(layout))
	}
	return p.list(words)
}
