package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// digest reads all pageviews of a blog.
func digest(t *testing.T, b *blog) (total int64, pages map[string]int64, sum uint64) {
	t.Helper()
	h := fnv.New64a()
	pages = map[string]int64{}
	err := b.generate(context.Background(), func(views []pageview.Pageview) error {
		for _, v := range views {
			if v.Day != pageview.DayOf(v.At.In(b.zone)) || v.Day > b.last || v.Day <= b.last-blogDays || v.Bot != "" {
				t.Fatalf("%+v", v)
			}
			fmt.Fprintln(h, v)
			pages[v.Path]++
		}
		total += int64(len(views))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total, pages, h.Sum64()
}

func TestBlogIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Australia/Lord_Howe")
	if err != nil {
		t.Fatal(err)
	}
	const last = 20_000
	write := func(seed uint64, views int64) *blog { return newBlog("default", zone, seed, views, last) }
	total, pages, sum := digest(t, write(1, 120_001))
	if total != 120_001 {
		t.Errorf("%d pageviews, want 120001", total)
	}
	if len(pages) < 250 || pages["/"] < 10_000 {
		t.Errorf("%d pages, %d views of the first", len(pages), pages["/"])
	}
	if _, _, again := digest(t, write(1, 120_001)); again != sum {
		t.Error("the same seed gives other pageviews")
	}
	if _, _, other := digest(t, write(2, 120_001)); other == sum {
		t.Error("another seed gives the same pageviews")
	}
	if total, _, _ := digest(t, write(3, 7)); total != 7 {
		t.Errorf("%d pageviews, want 7", total)
	}
}

func BenchmarkBlog(b *testing.B) {
	d := newBlog("default", time.UTC, 1, 1_000_000, 20_000).day(100, 1_000_000)
	for b.Loop() {
		d.next()
	}
}
