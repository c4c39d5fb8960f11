package number

import (
	"math"
	"strconv"
)

// Change writes by how much a number has changed: +12 %, −3 %. What is less than
// one percent has a decimal, so that only equal numbers are ±0 %, and nothing that
// is left of a number is −100 %. It writes nothing where there was nothing before.
func Change(now, was int64) string {
	switch {
	case now == was:
		return "±0 %"
	case was == 0:
		return ""
	}
	percent, sign := 100*(float64(now)-float64(was))/float64(was), "+"
	if percent < 0 {
		percent, sign = -percent, "−"
	}
	text := strconv.FormatFloat(percent, 'f', 0, 64)
	switch {
	case percent < .05:
		text = "<0.1"
	case percent < .95:
		text = strconv.FormatFloat(percent, 'f', 1, 64)
	case sign == "−" && percent > 99 && now != 0:
		text = strconv.FormatFloat(math.Min(percent, 99.9), 'f', 1, 64)
	case percent >= 999.5:
		return ">+999 %"
	}
	return sign + text + " %"
}
