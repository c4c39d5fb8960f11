package chart

import (
	"cmp"
	"slices"
	"strconv"
)

// Series is one layer of the bars.
type Series struct {
	Name   string
	Values []int64 // one for each label, not negative
	Other  bool    // the rest of the data: drawn last, in the last colour
	Open   bool    // the last label's time is not over: the line to it is dotted
	Area   bool    // what lies under its line is tinted
}

const named = 10 // series with a colour of their own

// colour is the style class of the nth series.
func colour(n int, s Series) string {
	if s.Other {
		return "so"
	}
	return "s" + strconv.Itoa(n+1)
}

// fold keeps, in the order given, the largest series that can have a colour of
// their own, and joins all others to one at the end.
func fold(series []Series, other string) []Series {
	var own, rest []Series
	for _, s := range series {
		if s.Other {
			rest = append(rest, s)
		} else {
			own = append(own, s)
		}
	}
	if len(own) > named {
		order := make([]int, len(own)) // indexes of own, the largest first
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Compare(sum(own[b].Values), sum(own[a].Values))
		})
		all := own
		own = nil
		slices.Sort(order[:named])
		for _, i := range order[:named] {
			own = append(own, all[i])
		}
		for _, i := range order[named:] {
			rest = append(rest, all[i])
		}
	}
	if len(rest) == 0 {
		return own
	}
	if len(rest) == 1 && rest[0].Other {
		return append(own, rest[0])
	}
	return append(own, join(rest, other))
}

// join adds series up to one, named name.
func join(series []Series, name string) Series {
	all := Series{Name: name, Other: true, Values: make([]int64, len(series[0].Values))}
	for _, s := range series {
		for i, v := range s.Values {
			all.Values[i] += v
		}
	}
	return all
}

// totals are the heights of the bars.
func totals(series []Series, labels int) []int64 {
	all := make([]int64, labels)
	for _, s := range series {
		for i, v := range s.Values {
			all[i] += v
		}
	}
	return all
}

func sum(values []int64) int64 {
	total := int64(0)
	for _, v := range values {
		total += v
	}
	return total
}
