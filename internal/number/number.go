package number

import (
	"math"
	"strconv"
)

// Grouped writes n with a comma between thousands: 97,200,000.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Compact writes v with three digits and a unit: 950, 1.23k, 97.2M, 4B, 1.5T.
// Beyond a thousand trillion it writes an exponent.
func Compact(v float64) string { return compact(v, 1000, "", "k", "M", "B", "T") }

// CompactChinese writes v with three digits and a unit of Chinese, which counts
// by ten thousands: 9500, 1.23万, 9720万, 4.05亿, 1.5万亿.
func CompactChinese(v float64) string { return compact(v, 10_000, "", "万", "亿", "万亿") }

// compact writes v in the first unit, each step times the one before, in which
// it is less than a step.
func compact(v, step float64, units ...string) string {
	whole := v
	for _, unit := range units {
		r := round3(v)
		if math.Abs(r) < step {
			return strconv.FormatFloat(r, 'f', -1, 64) + unit
		}
		v /= step
	}
	return strconv.FormatFloat(whole, 'g', 3, 64)
}

// round3 rounds to three significant digits.
func round3(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return v
	}
	return r
}
