package trigger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Parser reads the text of triggers:
//
//	never
//	every 1h                       each full hour of UTC; also "every 5 minutes"
//	every 1h from 2024-05-01T00:30:00Z
//	every 10m after end            ten minutes after the last run ended
//	fresh 1h                       what is computed is never older than that
//	daily 03:00, 15:30
//	weekly mon-fri, sun 09:00
//	monthly 1, 15, -1 00:00        -1 is the last day
//	at 2024-05-01T09:00:00Z
//	cron "0 4 * * 1-5"             see [Cron]; alone it needs neither the word nor quotes
//
// Behind daily, weekly, monthly and cron may stand a zone, and what becomes of
// local times that daylight saving leaves out or repeats (see [Saving]):
//
//	in Europe/London
//	dst skip both                  of skip and shift, first and both
//
// Behind all that, and behind parentheses, may stand any number of
//
//	except holidays                a calendar's name, in quotes if need be
//	only "opening hours" in Asia/Tokyo
//	between 2024-05-01 and 2024-09-01T12:00:00Z
//	since 2024-05-01 09:00
//	until 2024-09-01
//	limit 10                       ticks
//	jitter 5m
//
// and triggers are joined with "or". Instants are RFC 3339, or a date with or
// without a time of day by the local clock of the zone named, or of the Parser's.
//
// The zero Parser knows no calendars and leaves the zone unset.
type Parser struct {
	// Zone is for triggers that name none. nil leaves them without, which
	// means UTC.
	Zone *time.Location
	// Calendar finds a calendar by its name. nil means that there is none.
	Calendar func(name string) (Calendar, error)
}

// Parse reads the text of a trigger with the zero [Parser]. The text of every
// trigger of this package reads back as a trigger that gives the same answers,
// except that its calendars must be found again. What Parse returns for a
// mistake is a *[SyntaxError].
func Parse(text string) (Trigger, error) { return Parser{}.Parse(text) }

// ParseCron reads a bare cron expression and nothing else.
func (p Parser) ParseCron(expr string) (Cron, error) {
	c, err := ParseCron(expr)
	if err == nil && c.zone == nil {
		c.zone = p.Zone
	}
	return c, err
}

// Parse reads the text of a trigger.
func (p Parser) Parse(text string) (Trigger, error) {
	r := &textReader{Parser: p, text: text}
	if bareCron(strings.TrimLeft(text, " \t")) {
		c, err := p.ParseCron(text)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	r.next()
	t := r.union(0)
	if r.err == nil && r.token.kind != endToken {
		r.fail(fmt.Sprintf("%q does not belong here", r.token.text), followers)
	}
	if r.err != nil {
		return nil, r.err
	}
	return t, nil
}

// bareCron tells a cron expression from other texts by how it begins.
func bareCron(text string) bool {
	if text == "" {
		return false
	}
	word, _, _ := strings.Cut(text, " ")
	return strings.ContainsRune("0123456789*?@", rune(text[0])) && !clockLike(word) ||
		strings.HasPrefix(text, "CRON_TZ=") || strings.HasPrefix(text, "TZ=") ||
		word == "H" || strings.HasPrefix(word, "H/") || strings.HasPrefix(word, "H(")
}

func clockLike(word string) bool { return strings.Contains(word, ":") }

const (
	primaries = "never, every, fresh, daily, weekly, monthly, at, cron, or a trigger in parentheses"
	followers = "except, only, between, since, until, limit, jitter, or"
	deepest   = 100 // parentheses
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	wordToken
	quotedToken
	markToken // one of ( ) ,
)

type token struct {
	kind       tokenKind
	text       string // of a quoted token what is in the quotes
	start, end int
}

// A textReader reads one text by recursive descent. After a mistake it reads
// on without effect; the first is kept.
type textReader struct {
	Parser
	text  string
	token token
	err   *SyntaxError
}

// next goes on to the next token.
func (r *textReader) next() {
	i := r.token.end
	for i < len(r.text) && strings.IndexByte(" \t\r\n", r.text[i]) >= 0 {
		i++
	}
	start := i
	switch {
	case i == len(r.text):
		r.token = token{endToken, "the end", i, i}
	case strings.IndexByte("(),", r.text[i]) >= 0:
		r.token = token{markToken, r.text[i : i+1], i, i + 1}
	case r.text[i] == '"':
		r.quoted(start)
	default:
		if n := strings.IndexAny(r.text[i:], " \t\r\n(),\""); n >= 0 {
			i += n
		} else {
			i = len(r.text)
		}
		r.token = token{wordToken, r.text[start:i], start, i}
	}
}

func (r *textReader) quoted(start int) {
	prefix, err := strconv.QuotedPrefix(r.text[start:])
	if err != nil {
		r.token = token{endToken, "the quote", start, len(r.text)}
		r.fail("the quote does not end", "")
		return
	}
	content, _ := strconv.Unquote(prefix)
	r.token = token{quotedToken, content, start, start + len(prefix)}
}

// is tells whether the token is the given word or mark.
func (r *textReader) is(word string) bool {
	return r.token.kind == wordToken && strings.EqualFold(r.token.text, word) ||
		r.token.kind == markToken && r.token.text == word
}

// takes goes on if the token is the given word or mark.
func (r *textReader) takes(word string) bool {
	if r.err != nil || !r.is(word) {
		return false
	}
	r.next()
	return true
}

// need is takes for what must be there.
func (r *textReader) need(word string) {
	if !r.takes(word) {
		r.fail(fmt.Sprintf("%s is found where %q is missing", r.found(), word), "")
	}
}

func (r *textReader) found() string {
	if r.token.kind == endToken {
		return r.token.text
	}
	return strconv.Quote(r.token.text)
}

func (r *textReader) fail(problem, allowed string) {
	r.failAt(r.token.start, r.token.end, problem, allowed)
}

func (r *textReader) failAt(start, end int, problem, allowed string) {
	if r.err == nil {
		r.err = &SyntaxError{Text: r.text, Start: start, End: end, Problem: problem, Allowed: allowed}
	}
}

// union reads triggers with "or" between them.
func (r *textReader) union(depth int) Trigger {
	all := []Trigger{r.term(depth)}
	for r.takes("or") {
		all = append(all, r.term(depth))
	}
	if len(all) == 1 {
		return all[0]
	}
	return Union(all...)
}

// term reads a trigger and the filters behind it.
func (r *textReader) term(depth int) Trigger {
	if depth > deepest {
		r.fail("the parentheses are too deep", "")
		return nil
	}
	t := r.primary(depth)
	for n := 0; r.err == nil; n++ {
		if n == deepest {
			r.fail("too many filters follow one another", "")
		}
		switch {
		case r.takes("only"):
			t = r.filter(t, Only)
		case r.takes("except"):
			t = r.filter(t, Except)
		case r.takes("between"):
			from := r.instant(r.Zone)
			r.need("and")
			t = Between(t, from, r.instant(r.Zone))
		case r.takes("since"):
			t = Between(t, r.instant(r.Zone), time.Time{})
		case r.takes("until"):
			t = Between(t, time.Time{}, r.instant(r.Zone))
		case r.takes("limit"):
			t = Limit(t, r.count())
		case r.is("jitter") && jittered(t):
			r.fail("what is put off already cannot be put off again", "")
		case r.takes("jitter"):
			t = Jitter(t, r.duration())
		default:
			return t
		}
	}
	return t
}

// primary reads a trigger without what may follow it.
func (r *textReader) primary(depth int) Trigger {
	switch {
	case r.takes("("):
		t := r.union(depth + 1)
		r.need(")")
		return t
	case r.takes("never"):
		return Never{}
	case r.takes("every"):
		return r.every()
	case r.takes("fresh"):
		return Fresh(r.duration())
	case r.takes("at"):
		return r.instants()
	case r.takes("cron"):
		return r.cron()
	case r.takes("daily"):
		return r.wall(daily)
	case r.takes("weekly"):
		return r.wall(weekly)
	case r.takes("monthly"):
		return r.wall(monthly)
	}
	if r.token.kind == wordToken && clockLike(r.token.text) {
		r.fail("a time of day alone is no trigger", "daily "+r.token.text)
	} else {
		r.fail(r.found()+" is no trigger", primaries)
	}
	return nil
}

// cron reads what follows the word.
func (r *textReader) cron() Trigger {
	quoted := r.token
	if quoted.kind != quotedToken {
		r.fail("the cron expression is missing", `an expression in quotes such as "0 4 * * 1-5"`)
		return nil
	}
	c, wrong := parseCron(quoted.text)
	if wrong != nil {
		if r.err == nil {
			r.err = wrong.within(r.text, quoted)
		}
		return nil
	}
	r.next()
	zone, saving := r.place()
	if zone == nil {
		zone = c.zone
	}
	if zone == nil {
		zone = r.Zone
	}
	return c.In(zone).DST(saving)
}

// wall reads what follows daily, weekly and monthly.
func (r *textReader) wall(p period) Trigger {
	start := r.token.start
	var days []int
	switch p {
	case weekly:
		r.list(func() { days = append(days, r.weekdays()...) })
	case monthly:
		r.list(func() { days = append(days, r.dayOfMonth()) })
	}
	var clocks []Clock
	if r.token.kind == wordToken && clockLike(r.token.text) {
		r.list(func() { clocks = append(clocks, r.clock()) })
	}
	end := r.token.start
	zone, saving := r.place()
	if r.err != nil {
		return nil
	}
	w, err := newWall(p, days, clocks)
	if err != nil {
		r.failAt(start, end, err.Error(), "")
	}
	if zone == nil {
		zone = r.Zone
	}
	return w.In(zone).DST(saving)
}

// list reads elements with commas between them.
func (r *textReader) list(element func()) {
	for element(); r.takes(","); {
		element()
	}
}

// weekdays reads a day of the week or a range of them.
func (r *textReader) weekdays() (days []int) {
	from, to, isRange := strings.Cut(strings.ToLower(r.token.text), "-")
	low := slices.Index(weekdayNames[:], from)
	high := low
	if isRange {
		high = slices.Index(weekdayNames[:], to)
	}
	if low < 0 || high < 0 || r.token.kind != wordToken {
		r.fail(r.found()+" is no day of the week", "sun, mon, tue, wed, thu, fri, sat, or a range such as mon-fri")
		return nil
	}
	for d := low; ; d = (d + 1) % 7 {
		if days = append(days, d); d == high {
			break
		}
	}
	r.next()
	return days
}

func (r *textReader) dayOfMonth() int {
	d, err := strconv.Atoi(r.token.text)
	if err != nil || d == 0 || d > 31 || d < -31 || r.token.kind != wordToken {
		r.fail(r.found()+" is no day of the month", "1-31, or -1 to -31 counted from the end")
	}
	r.next()
	return d
}

// place reads the zone and the policies for daylight saving.
func (r *textReader) place() (zone *time.Location, saving Saving) {
	zone = r.zone()
	if !r.takes("dst") {
		return zone, 0
	}
	for n := 0; ; n++ {
		i := slices.Index(savingNames[:], strings.ToLower(r.token.text))
		if i < 0 || r.token.kind != wordToken {
			if n == 0 {
				r.fail(r.found()+" is no policy for daylight saving", "skip or shift, first or both")
			}
			return zone, saving
		}
		policy := Saving(1 << i)
		if saving.with([]Saving{policy}) != saving|policy || saving&policy != 0 {
			r.fail(r.found()+" does not go with what stands before it", "skip or shift, first or both")
		}
		saving |= policy
		r.next()
	}
}

// zone reads "in" and a zone if they come next.
func (r *textReader) zone() *time.Location {
	if !r.takes("in") {
		return nil
	}
	if r.token.kind == endToken || r.token.kind == markToken {
		r.fail("the time zone is missing", zoneNames)
		return nil
	}
	zone, err := loadZone(r.token.text)
	if err != nil {
		r.fail(err.Error(), zoneNames)
		return nil
	}
	r.next()
	return zone
}

// filter reads the name of a calendar and applies it.
func (r *textReader) filter(t Trigger, apply func(Trigger, Calendar) Filtered) Trigger {
	name := r.token
	if name.kind != wordToken && name.kind != quotedToken {
		r.fail("the calendar's name is missing", "")
		return nil
	}
	if r.Calendar == nil {
		r.fail(fmt.Sprintf("there is no calendar %q", name.text), "")
		return nil
	}
	c, err := r.Calendar(name.text)
	if err != nil {
		r.fail(fmt.Sprintf("find calendar %q: %v", name.text, err), "")
		return nil
	}
	r.next()
	zone := r.zone()
	if zone == nil && !located(t) {
		zone = r.Zone
	}
	if r.err != nil {
		return nil
	}
	return apply(t, c).In(zone)
}

// located tells whether a trigger's answers are in a zone of its own.
func located(t Trigger) bool {
	switch t := t.(type) {
	case Cron:
		return t.every == 0
	case Wall:
		return true
	case combinator:
		return !slices.ContainsFunc(t.inside(), func(t Trigger) bool { return !located(t) })
	}
	return false
}

// jittered tells whether a trigger has one within that is put off.
func jittered(t Trigger) bool {
	if _, ok := t.(Jittered); ok {
		return true
	}
	c, ok := t.(combinator)
	return ok && slices.ContainsFunc(c.inside(), jittered)
}

// quoteName is a calendar's name as it stands in texts.
func quoteName(name string) string {
	for _, c := range name {
		if c <= ' ' || c == 0x7f || strings.ContainsRune(`"(),`, c) || !strconv.IsPrint(c) {
			return strconv.Quote(name)
		}
	}
	if name == "" || strconv.Quote(name) != `"`+name+`"` {
		return strconv.Quote(name)
	}
	return name
}
