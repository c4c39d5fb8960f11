package trigger

import (
	"strings"
	"time"
)

// A Cron is a cron expression in a time zone. The zero value is never due.
//
// Five fields are minute, hour, day of month, month and day of week; a sixth in
// front is the second, a seventh at the end the year (1970 to 2199).
//
//	5,7      a list                      */10     every tenth; also 5-50/10 and 5/10
//	1-5      a range, past the end too:  H        a value that follows from the job's
//	         22-2, FRI-MON                        name; also H/15, H(0-29), H(0-29)/10
//	*        every value                 L        last day of the month
//	?        the same                    L-3      three days before it
//	JAN SUN  names, in either case       15W      weekday nearest to the 15th, in the
//	0 and 7  are both Sunday                      same month; LW the last one
//	                                     1#2      second Monday of the month
//	                                     1#L, 1L  last Monday of the month
//
// H spreads jobs over their period. For the day of month it stands for 1 to 28.
//
// A day matches if day of month and day of week both do. If neither begins with
// a star or a question mark, one of them is enough: "0 0 13 * FRI" is each 13th
// and each Friday, "0 0 */2 * FRI" is each Friday with an odd date.
//
// In place of the fields may stand @yearly, @annually, @monthly, @weekly,
// @daily, @midnight, @hourly, or @every and a duration, which means [Every].
// CRON_TZ=Europe/London (or TZ=) in front sets the zone.
//
// Its text is `cron "0 4 * * 1-5"`, and after it, where set, the zone and the
// policies: `in Europe/London dst skip both`.
type Cron struct {
	pattern pattern
	every   time.Duration // for @every
	zone    *time.Location
	saving  Saving
	spread  bool // holds an H not yet bound to a job
	text    string
}

// ParseCron reads a cron expression. What it returns for a mistake is a
// *[SyntaxError].
func ParseCron(expr string) (Cron, error) {
	c, wrong := parseCron(expr)
	if wrong != nil {
		return Cron{}, wrong
	}
	return c, nil
}

func parseCron(expr string) (Cron, *SyntaxError) {
	r := cronReader{text: expr}
	c := r.read()
	return c, r.err
}

// MustCron is ParseCron for expressions known to be right. It panics if it is
// not.
func MustCron(expr string) Cron {
	c, err := ParseCron(expr)
	if err != nil {
		panic("trigger: " + err.Error())
	}
	return c
}

// In returns the same expression in a zone. nil means UTC, and that the zone of
// a [Parser] may take its place: not the zone of the machine, so that replicas
// agree.
func (c Cron) In(zone *time.Location) Cron {
	c.zone = zone
	return c
}

// DST returns the same expression with other policies for daylight saving.
func (c Cron) DST(policies ...Saving) Cron {
	c.saving = c.saving.with(policies)
	return c
}

// Next returns the first due instant later than after, in the expression's
// zone. It allocates nothing. It searches for 400 years.
func (c Cron) Next(after time.Time) time.Time {
	if c.every > 0 {
		return Every(c.every).Next(after)
	}
	if c.pattern.hour == 0 {
		return time.Time{}
	}
	return c.pattern.after(c.zone, c.saving, after)
}

// NeedsFacts tells whether the expression holds an H.
func (c Cron) NeedsFacts() bool { return c.spread }

// Bind puts in for each H what follows from the job's name.
func (c Cron) Bind(f Facts) Trigger {
	if !c.spread {
		return c
	}
	r := cronReader{text: c.text, job: f.Job}
	bound := r.read()
	bound.text = r.replaced()
	bound.spread = false
	bound.saving = c.saving
	if c.zone != nil {
		bound.zone = c.zone
	}
	return bound
}

// Expression is the bare cron expression.
func (c Cron) Expression() string { return c.text }

// String returns the text of the trigger.
func (c Cron) String() string {
	if c.text == "" {
		return Never{}.String()
	}
	return `cron "` + c.text + `"` + placeText(c.zone, c.saving)
}

// placeText is the end of the text of a trigger with local times.
func placeText(zone *time.Location, saving Saving) string {
	var s string
	if zone != nil {
		s = " in " + zone.String()
	}
	if words := saving.words(); words != nil {
		s += " dst " + strings.Join(words, " ")
	}
	return s
}

// macros are the names that stand for all fields.
var macros = [...]struct{ name, fields string }{
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
}

// A cronReader reads a cron expression.
type cronReader struct {
	text         string
	job          string // whom an H is for
	pattern      pattern
	err          *SyntaxError
	replacements []replacement
}

// A replacement is what a bound expression has in place of an H.
type replacement struct {
	start, end int
	with       string
}

func (r *cronReader) replace(start, end int, with string) {
	r.replacements = append(r.replacements, replacement{start, end, with})
}

// replaced is the text with the values for each H put in.
func (r *cronReader) replaced() string {
	var b strings.Builder
	from := 0
	for _, p := range r.replacements {
		b.WriteString(r.text[from:p.start] + p.with)
		from = p.end
	}
	return b.String() + r.text[from:]
}

func (r *cronReader) read() (c Cron) {
	start, end := r.word(0)
	if name, ok := zonePrefix(r.text[start:end]); ok {
		zone, err := loadZone(name)
		if err != nil {
			r.err = &SyntaxError{Text: r.text, Start: end - len(name), End: end, Problem: err.Error(), Allowed: zoneNames}
			return c
		}
		c.zone = zone
		start, end = r.word(end)
	}
	c.text = strings.TrimRight(r.text[start:], " \t")
	switch {
	case start == end:
		r.err = &SyntaxError{Text: r.text, Start: start, End: end, Problem: "the expression is empty", Allowed: fieldCounts}
	case r.text[start] == '@':
		r.macro(&c, start, end)
	default:
		r.fields(start, end)
	}
	c.pattern = r.pattern
	c.spread = len(r.replacements) > 0
	return c
}

const (
	fieldCounts = "5 fields, 6 with seconds in front, 7 with years at the end, or a name such as @hourly"
	macroNames  = "@hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, @every DURATION"
	zoneNames   = "a name from the time zone database such as Europe/London, or UTC"
)

// word is the next run of characters that are no blanks.
func (r *cronReader) word(from int) (start, end int) {
	for from < len(r.text) && blank(r.text[from]) {
		from++
	}
	start = from
	for from < len(r.text) && !blank(r.text[from]) {
		from++
	}
	return start, from
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

func zonePrefix(word string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(word, "CRON_TZ="); ok {
		return name, true
	}
	return strings.CutPrefix(word, "TZ=")
}

// macro reads an expression whose first word, from start to end, begins with @.
func (r *cronReader) macro(c *Cron, start, end int) {
	name, rest := r.text[start:end], strings.Trim(r.text[end:], " \t")
	fail := func(from, to int, problem, allowed string) {
		r.err = &SyntaxError{Text: r.text, Start: from, End: to, Problem: problem, Allowed: allowed}
	}
	if name == "@every" {
		d, err := parseDuration(rest)
		if err != nil {
			from := len(r.text) - len(strings.TrimLeft(r.text[end:], " \t"))
			fail(from, from+len(rest), err.Error(), durations)
		}
		c.every = d
		return
	}
	for _, m := range &macros {
		if m.name != name {
			continue
		}
		if rest != "" {
			from, _ := r.word(end)
			fail(from, len(r.text), "nothing may follow "+name, "")
			return
		}
		sub := cronReader{text: m.fields}
		c.pattern = sub.read().pattern
		r.pattern = c.pattern
		return
	}
	fail(start, end, "unknown name "+name, macroNames)
}

// fields reads an expression of fields, the first of which is from start to end.
func (r *cronReader) fields(start, end int) {
	var at [len(fields)][2]int
	n := 0
	for ; start < end; start, end = r.word(end) {
		if n == len(at) {
			r.err = &SyntaxError{Text: r.text, Start: start, End: len(r.text), Problem: "too many fields", Allowed: fieldCounts}
			return
		}
		at[n] = [2]int{start, end}
		n++
	}
	if n < 5 {
		r.err = &SyntaxError{Text: r.text, Start: len(r.text), End: len(r.text), Problem: "too few fields", Allowed: fieldCounts}
		return
	}
	p := &r.pattern
	first := secondField
	p.fixed, p.anyYear = true, true
	if n == 5 {
		first, p.second = minuteField, 1
	}
	var dayStar, weekdayStar bool
	for i, span := range at[:n] {
		f := fieldReader{cronReader: r, field: &fields[first+i], pos: span[0], end: span[1]}
		star, wild := f.read()
		if r.err != nil {
			return
		}
		bits := f.values[0] << f.min
		switch first + i {
		case secondField:
			p.second, p.fixed = bits, p.fixed && !wild
		case minuteField:
			p.minute, p.fixed = bits, p.fixed && !wild
		case hourField:
			p.hour, p.fixed = uint32(bits), p.fixed && !wild
		case dayField:
			p.days, dayStar = uint32(bits), star
		case monthField:
			p.month = uint16(bits)
		case weekdayField:
			p.weekday, weekdayStar = uint8(bits), star
		case yearField:
			p.years, p.anyYear = f.values, star && span[1] == span[0]+1
		}
	}
	p.either = !dayStar && !weekdayStar
	p.settle()
}
