package number_test

import (
	"math"
	"testing"

	"github.com/beforehand-go/beforehand/internal/number"
)

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 97200000: "97,200,000",
		-1: "-1", -999: "-999", -1000: "-1,000", -123456: "-123,456",
		math.MaxInt64: "9,223,372,036,854,775,807",
		math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := number.Grouped(n); got != want {
			t.Errorf("Grouped(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestCompact(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 2.5: "2.5", 999: "999", 1000: "1k", 1234: "1.23k",
		12345: "12.3k", 123456: "123k", 999499: "999k", 999950: "1M",
		97200000: "97.2M", 4e9: "4B", 1.5e12: "1.5T", 9.996e14: "1e+15",
		9.2e18: "9.2e+18", -97200000: "-97.2M",
	} {
		if got := number.Compact(v); got != want {
			t.Errorf("Compact(%g) = %q, want %q", v, got, want)
		}
	}
}

func TestCompactChinese(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 2.5: "2.5", 999: "999", 1234: "1230", 9999: "1万", 12345: "1.23万", 97200000: "9720万",
		99996000: "1亿", 4.05e8: "4.05亿", 1.5e12: "1.5万亿", 2e16: "2e+16", -97200000: "-9720万",
	} {
		if got := number.CompactChinese(v); got != want {
			t.Errorf("CompactChinese(%g) = %q, want %q", v, got, want)
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		now, was int64
		want     string
	}{
		{5, 4, "+25 %"},
		{3, 4, "−25 %"},
		{7, 7, "±0 %"},
		{0, 0, "±0 %"},
		{5, 0, ""},
		{0, 5, "−100 %"},
		{1003, 1000, "+0.3 %"},
		{997, 1000, "−0.3 %"},
		{10_095, 10_000, "+1 %"},
		{10_094, 10_000, "+0.9 %"},
		{1_000_499, 1_000_000, "+<0.1 %"},
		{999_999, 1_000_000, "−<0.1 %"},
		{1000, 997, "+0.3 %"},
		{4, 1000, "−99.6 %"},
		{1, 1_000_000, "−99.9 %"},
		{9, 1000, "−99.1 %"},
		{10_994, 1000, "+999 %"},
		{11_000, 1000, ">+999 %"},
		{math.MaxInt64, 1, ">+999 %"},
	} {
		if got := number.Change(c.now, c.was); got != c.want {
			t.Errorf("from %d to %d: %q, want %q", c.was, c.now, got, c.want)
		}
	}
}
