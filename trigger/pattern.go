package trigger

import "math/bits"

const (
	daySeconds = 24 * 60 * 60
	// horizon is for how many years a search goes on before it says never.
	// The Gregorian calendar repeats after 400.
	horizon = 400

	// calendarCycle is the number of years in which every month of every
	// length begins on every weekday: 29 February comes back to the same one
	// after 40 years at the latest.
	calendarCycle = 40

	firstYear = 1970
	lastYear  = 2199

	allMonths   = 1<<13 - 1<<1
	allDays     = 1<<32 - 1<<1
	allWeekdays = 1<<7 - 1
)

// A pattern is a set of local times: sets of seconds, minutes, hours, days,
// months and years as bits. It knows nothing of zones.
type pattern struct {
	second, minute uint64
	hour           uint32
	first          int32 // first second of a day that matches
	month          uint16
	weekday        uint8  // bits 0 (Sunday) to 6
	days           uint32 // bits 1 to 31
	fromEnd        uint32 // bit n: n days before the last of the month
	workday        uint32 // bit n: the weekday nearest to day n; bit 0: to the last day
	nth            uint64 // bit 7n+w: weekday w the (n+1)-th time; n = 5: the last time
	years          [4]uint64
	anyYear        bool
	either         bool // a day matches by its date or by its weekday, instead of both
	everyDay       bool // each day matches
	fixed          bool // no star, question mark or step in seconds, minutes and hours
}

// settle fills what follows from the sets.
func (p *pattern) settle() {
	p.first = int32(bits.TrailingZeros32(p.hour)*3600 +
		bits.TrailingZeros64(p.minute)*60 + bits.TrailingZeros64(p.second))
	date, week := p.days == allDays, p.weekday == allWeekdays
	p.everyDay = p.anyYear && p.month == allMonths &&
		(date && week || p.either && (date || week))
}

// next is the first local second at or after from that matches, in a year not
// after last. Local seconds are counted as if the local clock were UTC.
func (p *pattern) next(from int64, last int) (int64, bool) {
	day := floorDiv(from, daySeconds)
	second := p.clock(int(from - day*daySeconds))
	if p.everyDay {
		if second < 0 {
			return (day+1)*daySeconds + int64(p.first), true
		}
		return day*daySeconds + int64(second), true
	}
	year, month, date := civil(day)
	if p.anyYear {
		last = min(last, year+calendarCycle)
	}
	start := day - int64(date-1) // the first of the month
	if second < 0 {
		date++
	}
	for {
		length := monthLength(year, month)
		if p.month>>month&1 != 0 && p.inYear(year) {
			found := p.daysOf(weekdayOf(start), length) &^ (1<<date - 1)
			if found != 0 {
				match := start + int64(bits.TrailingZeros32(found)) - 1
				if match == day && second >= 0 {
					return day*daySeconds + int64(second), true
				}
				return match*daySeconds + int64(p.first), true
			}
		}
		date, start = 1, start+int64(length)
		if month++; month > 12 {
			year, month = year+1, 1
			if year > last {
				return 0, false
			}
		}
	}
}

// clock is the first second of a day at or after from that matches, or -1.
func (p *pattern) clock(from int) int {
	hour, minute, second := from/3600, from/60%60, from%60
	if p.hour>>hour&1 != 0 {
		if p.minute>>minute&1 != 0 {
			if later := p.second >> second; later != 0 {
				return from + bits.TrailingZeros64(later)
			}
		}
		if later := p.minute >> (minute + 1); later != 0 {
			minute += 1 + bits.TrailingZeros64(later)
			return hour*3600 + minute*60 + bits.TrailingZeros64(p.second)
		}
	}
	if later := p.hour >> (hour + 1); later != 0 {
		hour += 1 + bits.TrailingZeros32(later)
		return hour*3600 + int(p.first)%3600
	}
	return -1
}

func (p *pattern) inYear(year int) bool {
	if p.anyYear {
		return true
	}
	n := year - firstYear
	return n >= 0 && year <= lastYear && p.years[n/64]>>(n%64)&1 != 0
}

// daysOf is the set of the days that match in a month that begins on the
// weekday first.
func (p *pattern) daysOf(first, length int) uint32 {
	all := uint32(1<<(length+1) - 1<<1)
	date := p.days & all
	if p.fromEnd != 0 {
		date |= bits.Reverse32(p.fromEnd) >> (31 - length) & all
	}
	for rest := p.workday; rest != 0; rest &= rest - 1 {
		n := bits.TrailingZeros32(rest)
		if n == 0 {
			n = length
		}
		if n <= length {
			date |= 1 << nearestWorkday(n, first, length)
		}
	}
	// The week turned so that its first bit is the weekday of the first.
	week := (uint64(p.weekday) | uint64(p.weekday)<<7) >> first & allWeekdays
	week |= week << 7
	week |= week<<14 | week<<28
	weekday := uint32(week<<1) & all
	for rest := p.nth; rest != 0; rest &= rest - 1 {
		n := bits.TrailingZeros64(rest)
		d := 1 + (n%7-first+7)%7
		if n < 5*7 {
			d += n / 7 * 7
		} else {
			d += (length - d) / 7 * 7
		}
		weekday |= 1 << d & all
	}
	if p.either {
		return date | weekday
	}
	return date & weekday
}

// nearestWorkday is the day from Monday to Friday nearest to the given one,
// without leaving the month.
func nearestWorkday(date, first, length int) int {
	switch (first + date - 1) % 7 {
	case 0:
		if date == length {
			return date - 2
		}
		return date + 1
	case 6:
		if date == 1 {
			return date + 2
		}
		return date - 1
	}
	return date
}

// civil turns days since 1970-01-01 into a Gregorian date.
func civil(day int64) (year int, month, date int) {
	// Years are counted from 1 March, so that the leap day comes last.
	day += 719468
	era := floorDiv(day, 146097)
	d := uint32(day - era*146097)
	y := (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*y + y/4 - y/100
	m := (5*d + 2) / 153
	date = int(d-(153*m+2)/5) + 1
	year = int(y) + int(era)*400
	if m < 10 {
		return year, int(m) + 3, date
	}
	return year + 1, int(m) - 9, date
}

func monthLength(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// weekdayOf is the weekday, 0 for Sunday, of a day since 1970-01-01.
func weekdayOf(day int64) int {
	return int(day - floorDiv(day+4, 7)*7 + 4)
}

// floorDiv divides and rounds down, also below zero.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
