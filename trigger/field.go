package trigger

import (
	"fmt"
	"strings"
)

// A field describes one of the fields of a cron expression.
type field struct {
	name     string
	min, max int
	names    string // three letters each, in order from min
	extra    string // what is allowed besides numbers, names, ranges and steps
}

const (
	secondField = iota
	minuteField
	hourField
	dayField
	monthField
	weekdayField
	yearField
)

var fields = [...]field{
	secondField:  {name: "second", max: 59},
	minuteField:  {name: "minute", max: 59},
	hourField:    {name: "hour", max: 23},
	dayField:     {name: "day of month", min: 1, max: 31, extra: ", L, L-n, nW, LW"},
	monthField:   {name: "month", min: 1, max: 12, names: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
	weekdayField: {name: "day of week", max: 7, names: "SUNMONTUEWEDTHUFRISAT", extra: ", d#n, d#L, dL"},
	yearField:    {name: "year", min: firstYear, max: lastYear},
}

// allowed says what may stand in a field.
func (f *field) allowed() string {
	s := fmt.Sprintf("%d-%d", f.min, f.max)
	if f.names != "" {
		s += " or " + f.names[:3] + "-" + f.names[len(f.names)-3:]
	}
	return s + ", lists, ranges, steps, *, ?" + f.extra
}

// top is the largest value a star stands for: day 7 is Sunday once more.
func (f *field) top() int { return min(f.max, f.min+f.size()-1) }

// size is the number of different values.
func (f *field) size() int {
	if f.max == 7 {
		return 7
	}
	return f.max - f.min + 1
}

// A fieldReader reads one field of a cron expression into a pattern.
type fieldReader struct {
	*cronReader
	*field
	pos, end int
	values   [4]uint64 // bit n: the value min+n, weekday 7 as 0
}

// read reads the field and reports whether it begins with a star and whether
// it holds a star, a question mark or a step.
func (r *fieldReader) read() (star, wild bool) {
	text := r.text[r.pos:r.end]
	star = text[0] == '*' || text[0] == '?'
	wild = star || strings.ContainsAny(text, "*/")
	if text == "?" {
		r.add(r.min, r.top(), 1)
		return star, wild
	}
	for r.err == nil {
		r.item()
		if r.err != nil || r.pos == r.end {
			break
		}
		if r.text[r.pos] != ',' {
			r.fail(r.pos, r.end, "%q does not belong here", r.text[r.pos:r.end])
		}
		r.pos++
	}
	return star, wild
}

// item reads one element of a list.
func (r *fieldReader) item() {
	start := r.pos
	switch c := r.peek(); {
	case c == '*':
		r.pos++
		r.add(r.min, r.top(), r.step())
	case c == 'H' || c == 'h':
		r.spread()
	case (c == 'L' || c == 'l') && r.field == &fields[dayField]:
		r.pos++
		r.last(start)
	default:
		low, ok := r.value()
		switch {
		case !ok:
		case r.field == &fields[dayField] && r.takes('W'):
			r.pattern.workday |= 1 << low
		case r.field == &fields[weekdayField] && r.takes('L'):
			r.pattern.nth |= 1 << (5*7 + low%7)
		case r.field == &fields[weekdayField] && r.takes('#'):
			r.nth(low)
		default:
			r.interval(low)
		}
	}
}

// interval reads what may follow the first value: an end and a step.
func (r *fieldReader) interval(low int) {
	high, step := low, 1
	if r.takes('-') {
		var ok bool
		if high, ok = r.value(); !ok {
			return
		}
		step = r.step()
	} else if r.peek() == '/' {
		high, step = r.top(), r.step()
		low = r.fold(low)
	}
	r.add(low, high, step)
}

// fold turns weekday 7 into 0.
func (r *fieldReader) fold(value int) int {
	if value > r.top() {
		return r.min
	}
	return value
}

// add adds every step-th value from low to high, past the end if high is below.
func (r *fieldReader) add(low, high, step int) {
	if r.err != nil {
		return
	}
	if high < low {
		high += r.size()
	}
	if n := high - low + 1; step == 1 && high-r.min < min(r.size(), 64) {
		r.values[0] |= (1<<n - 1) << (low - r.min)
		return
	}
	for v := low; v <= high; v += step {
		n := v - r.min
		if n >= r.size() {
			n -= r.size()
		}
		r.values[n/64] |= 1 << (n % 64)
	}
}

// step reads an optional step.
func (r *fieldReader) step() int {
	if !r.takes('/') {
		return 1
	}
	start := r.pos
	n, ok := r.number()
	switch {
	case !ok:
		r.failWith(start, r.word(start), "the step is missing", fmt.Sprintf("1-%d", r.size()))
	case n < 1 || n > r.size():
		r.failWith(start, r.pos, fmt.Sprintf("the step %s is out of range", r.text[start:r.pos]), fmt.Sprintf("1-%d", r.size()))
	}
	return max(n, 1)
}

// last reads what follows an L in the day of month.
func (r *fieldReader) last(start int) {
	switch {
	case r.takes('W'):
		r.pattern.workday |= 1
	case r.takes('-'):
		n, ok := r.number()
		if !ok || n > 30 {
			r.failWith(start, r.word(r.pos), fmt.Sprintf("%q is no day counted from the last", r.text[start:r.word(r.pos)]), "L-0 to L-30")
			return
		}
		r.pattern.fromEnd |= 1 << n
	default:
		r.pattern.fromEnd |= 1
	}
}

// nth reads what follows a # in the day of week.
func (r *fieldReader) nth(weekday int) {
	if r.takes('L') {
		r.pattern.nth |= 1 << (5*7 + weekday%7)
		return
	}
	start := r.pos
	n, ok := r.number()
	if !ok || n < 1 || n > 5 {
		end := r.word(start)
		r.failWith(start, end, fmt.Sprintf("%q does not say which one of the month", r.text[start:end]), "#1-#5, #L")
		return
	}
	r.pattern.nth |= 1 << ((n-1)*7 + weekday%7)
}

// spread reads an H, which stands for a value that follows from the job's name.
func (r *fieldReader) spread() {
	start := r.pos
	r.pos++
	low, high := r.min, r.top()
	if r.field == &fields[dayField] {
		high = 28
	}
	if r.field == &fields[yearField] {
		r.fail(start, r.pos, "a year cannot be spread")
		return
	}
	if r.takes('(') {
		var ok bool
		if low, ok = r.value(); !ok {
			return
		}
		if !r.takes('-') {
			r.fail(start, r.word(r.pos), "%q is no spread; write H(low-high)", r.text[start:r.word(r.pos)])
			return
		}
		if high, ok = r.value(); !ok {
			return
		}
		if high < low || !r.takes(')') {
			r.fail(start, r.word(r.pos), "%q is no spread; write H(low-high)", r.text[start:r.word(r.pos)])
			return
		}
	}
	room, step := high-low+1, 0
	if r.peek() == '/' {
		step = r.step()
		room = min(room, step)
	}
	at := low + int(hashOf(r.job, r.name)%uint64(room))
	if step == 0 {
		r.add(at, at, 1)
		r.replace(start, r.pos, fmt.Sprint(at))
		return
	}
	r.add(at, high, step)
	r.replace(start, r.pos, fmt.Sprintf("%d-%d/%d", at, high, step))
}

// value reads a number or a name of the field.
func (r *fieldReader) value() (int, bool) {
	if r.err != nil {
		return 0, false
	}
	start := r.pos
	if n, ok := r.number(); ok {
		if n < r.min || n > r.max {
			r.fail(start, r.pos, "%s is out of range", r.text[start:r.pos])
			return 0, false
		}
		return n, true
	}
	if r.pos+3 <= r.end {
		for i := 0; i < len(r.names); i += 3 {
			if strings.EqualFold(r.text[r.pos:r.pos+3], r.names[i:i+3]) {
				r.pos += 3
				return r.min + i/3, true
			}
		}
	}
	end := r.word(start)
	if end == start {
		r.fail(start, end, "a value is missing")
	} else {
		r.fail(start, end, "%q is no value", r.text[start:end])
	}
	return 0, false
}

// number reads digits. Numbers beyond every field are cut to one that is, too.
func (r *fieldReader) number() (n int, ok bool) {
	for ; r.pos < r.end && r.text[r.pos]-'0' <= 9; r.pos++ {
		n, ok = min(n*10+int(r.text[r.pos]-'0'), 1e6), true
	}
	return n, ok
}

// word is the end of the list element that holds the offset from.
func (r *fieldReader) word(from int) int {
	if i := strings.IndexByte(r.text[from:r.end], ','); i >= 0 {
		return from + i
	}
	return r.end
}

func (r *fieldReader) peek() byte {
	if r.pos == r.end {
		return 0
	}
	return r.text[r.pos]
}

// takes reads a character, letters in either case, if it comes next.
func (r *fieldReader) takes(c byte) bool {
	got := r.peek()
	if got == c || 'A' <= c && c <= 'Z' && got == c+'a'-'A' {
		r.pos++
		return true
	}
	return false
}

func (r *fieldReader) fail(start, end int, format string, args ...any) {
	r.failWith(start, end, fmt.Sprintf(format, args...), r.allowed())
}

// failWith keeps the first mistake.
func (r *fieldReader) failWith(start, end int, problem, allowed string) {
	if r.err == nil {
		r.err = &SyntaxError{Text: r.text, Start: start, End: end, Field: r.name, Problem: problem, Allowed: allowed}
	}
}
