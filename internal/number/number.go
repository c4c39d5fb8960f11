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
func Compact(v float64) string {
	units := []string{"", "k", "M", "B", "T"}
	for i, unit := range units {
		r := round3(v)
		if math.Abs(r) < 1000 {
			return strconv.FormatFloat(r, 'f', -1, 64) + unit
		}
		if i < len(units)-1 {
			v /= 1000
		}
	}
	return strconv.FormatFloat(v*1e12, 'g', 3, 64)
}

// round3 rounds to three significant digits.
func round3(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return v
	}
	return r
}
