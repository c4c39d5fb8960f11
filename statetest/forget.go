package statetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/trigger"
)

// Forgetful is a state that can forget a site of pageviews.
type Forgetful interface {
	beforehand.State
	Tokens() token.Store
	Outbox() outbox.Store
	Forget(ctx context.Context, site string) error
}

// RunForget holds a state to forgetting all of a site and nothing of others,
// whatever they are called.
func RunForget(t *testing.T, s Forgetful) {
	ctx := t.Context()
	planner, err := scheduler.New(scheduler.Config{Store: s.Jobs()})
	if err != nil {
		t.Fatal(err)
	}
	jobs := map[string]bool{ // whether it stays
		"blog/hot": false, "retain/blog": false, "weekly/blog": false, "job/blog/x": false, "collect/blog/t": false,
		"blo/hot": true, "blog2/hot": true, "b_og/hot": true, "retain/blog2": true, "weekly/b_og": true, "job/blog2/x": true, "collect/b_og/t": true,
		"shop/blog": true, "outbox": true,
	}
	for name := range jobs {
		if err := planner.Add(ctx, scheduler.Job{Name: name, Trigger: trigger.Every(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Snapshots().Put(ctx, snapshot.Snapshot{Key: snapshot.Key{Report: name}}); err != nil {
			t.Fatal(err)
		}
	}
	tokens := map[string]string{"ours": "blog", "both": "blog shop", "other": "shop", "like": "blog2", "every": ""}
	for name, sites := range tokens {
		made := token.Token{Name: name, Scopes: []token.Scope{token.StatsRead}, Sites: strings.Fields(sites), Created: time.Now()}
		if err := s.Tokens().Create(ctx, made, token.HashOf(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, site := range []string{"blog", "blog2"} {
		m := outbox.Message{Kind: "weekly", Way: outbox.Mail, Recipient: "a@example.org", Tick: site, Site: site, Created: time.Now(), Next: time.Now()}
		if _, err := s.Outbox().Put(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a second time, as after a crash
		if err := s.Forget(ctx, "blog"); err != nil {
			t.Fatal(err)
		}
	}
	for name, stays := range jobs {
		kept, err := s.Jobs().Jobs(ctx, name)
		_, get := s.Snapshots().Get(ctx, snapshot.Key{Report: name}, 0)
		if err != nil || (len(kept) == 1) != stays || (get == nil) != stays {
			t.Errorf("job %s: %d kept, its snapshot %v, %v", name, len(kept), get, err)
		}
	}
	list, err := s.Tokens().List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range list {
		got[v.Name] = strings.Join(v.Sites, " ")
	}
	if want := map[string]string{"both": "shop", "other": "shop", "like": "blog2", "every": ""}; !maps.Equal(got, want) {
		t.Errorf("tokens %v, want %v", got, want)
	}
	left, err := s.Outbox().List(ctx, outbox.Query{Limit: 10})
	if err != nil || len(left) != 1 || !slices.ContainsFunc(left, func(m outbox.Message) bool { return m.Site == "blog2" }) {
		t.Errorf("messages %v, %v", left, err)
	}
}
