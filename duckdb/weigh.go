package duckdb

// #cgo LDFLAGS: -lm
// #include <math.h>
import "C"

import (
	"math"

	"github.com/beforehand-go/beforehand/pageview"
)

// weigh is what a pageview adds to a score on its day, as the SQL of weight tells it: to
// the last digit, as it asks the same function. That of Go rounds otherwise now and then.
func (r rolled) weigh(at int64, day pageview.Day) int64 {
	distance, halfLife := at-int64(day)*86400e6, int64(r-rolledScore)*3600e6
	return int64(math.Round(1e9 * finer * float64(C.pow(2, C.double(float64(distance)/float64(halfLife))))))
}
