package beforehand_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/snapshot"
)

// slowReport takes a while to compute.
func slowReport(site *beforehand.Site, name string, took time.Duration) *beforehand.Report[int] {
	return beforehand.New(site, name, func(context.Context) (int, error) {
		time.Sleep(took)
		return 1, nil
	}, beforehand.Policy{})
}

func blogs(name string) bool { return strings.HasPrefix(name, "blog/") }

func TestWaitingIsCountedOverProcessesAndRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := memory.New()
		one, other := open(t, state), open(t, state)
		began := time.Now().UTC()
		hot, chart, shop := slowReport(one, "blog/hot", 2*time.Second), slowReport(one, "blog/chart", time.Minute), slowReport(one, "shop/hot", time.Hour)
		end := run(t, one)
		settle(2 * time.Hour)
		hotElsewhere := slowReport(other, "blog/hot", 2*time.Second)
		endOther := run(t, other)
		settle(time.Second)

		tag := get(hot, "/hot.json").Header().Get("ETag")
		get(shop, "/hot.json")
		if w := get(hot, "/hot.json", "If-None-Match", tag); w.Code != http.StatusNotModified {
			t.Fatalf("status %d", w.Code)
		}
		get(chart, "/chart.json")
		get(chart, "/chart.png")
		get(hotElsewhere, "/hot.json")
		want := snapshot.Waiting{Reads: 3, Would: (2*2 + 60) * 1e6}
		if got, _ := one.Waiting(blogs); got != want {
			t.Errorf("counted here: %+v, want %+v", got, want)
		}
		settle(3 * time.Minute)
		want.Reads, want.Would = 4, want.Would+2e6
		if got := one.Served()["blog/hot"]; got.Reads != 2 || got.Would != 4e6 {
			t.Errorf("this process served %+v", got)
		}
		for name, site := range map[string]*beforehand.Site{"one": one, "other": other} {
			if got, since := site.Waiting(blogs); got != want || since.After(began) {
				t.Errorf("%s counts %+v since %v, want %+v", name, got, since, want)
			}
		}
		get(hot, "/hot.json")
		end()
		endOther()
		want.Reads, want.Would = 5, want.Would+2e6
		if got, since := open(t, state).Waiting(blogs); got != want || since.After(began) {
			t.Errorf("after a restart: %+v since %v, want %+v", got, since, want)
		}
	})
}

func TestWaitingOfAFamilyIsOfAllItsMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		family := beforehand.NewFamily(site, "blog/top", func(r *http.Request) (string, error) { return r.URL.Query().Get("p"), nil },
			func(_ context.Context, p string) (string, error) {
				time.Sleep(time.Second)
				return p, nil
			}, beforehand.FamilyPolicy[string]{})
		defer run(t, site)()
		settle(time.Second)
		for _, path := range []string{"/top.json?p=a", "/top.json?p=b", "/top.json?p=a"} {
			if w := get(family, path); w.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, w.Code)
			}
		}
		site.Tally("blog/top").Count(time.Minute, time.Millisecond)
		want := snapshot.Waiting{Reads: 4, Would: 63e6, Did: 1e6}
		if got, _ := site.Waiting(blogs); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestWaitingLongerThanADuration(t *testing.T) {
	w := snapshot.Waiting{Would: 1 << 62}
	if got := w.WouldHave(); got <= 0 {
		t.Error(got)
	}
}
