package chart

import "math"

// ticks are two to nine round values from zero to at least top.
func ticks(top int64) []float64 {
	step := roundUp(max(float64(top), 1) / 7)
	all := []float64{0}
	for n := 1.0; all[len(all)-1] < float64(top) || n == 1; n++ {
		all = append(all, n*step)
	}
	return all
}

// roundUp is the next of 1, 2 and 5 times a power of ten, and at least 1.
func roundUp(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(v, 1))))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power {
			return m * power
		}
	}
	return 10 * power
}
