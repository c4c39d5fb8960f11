package throwaway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// Net is a network namespace, and a cable from this one to it.
type Net struct {
	Here  string // address of this end
	There string // address of the other end
	name  string
}

// nets counts the networks of this process.
var nets atomic.Int32

// Join makes a network namespace until the test ends. It is nil where that is not
// allowed: it takes root, and the program ip.
func Join(t testing.TB) *Net {
	t.Helper()
	i := nets.Add(1) - 1
	// Of the addresses for benchmarks of networks, RFC 2544, four for each.
	at := fmt.Sprintf("198.%d.%d.", 18+os.Getpid()>>6&1, os.Getpid()&63<<2+int(i>>6))
	all := fmt.Sprint(at, i&63<<2, "/30")
	n := &Net{Here: fmt.Sprint(at, i&63<<2+1), There: fmt.Sprint(at, i&63<<2+2), name: fmt.Sprintf("bh%d-%d", os.Getpid(), i)}
	if err := ip("netns", "add", n.name); err != nil {
		t.Logf("no network of its own: %v", err)
		return nil
	}
	t.Cleanup(func() {
		err := ip("netns", "del", n.name) // and the cable with it
		if err = errors.Join(err, ip("route", "del", "unreachable", all)); err != nil {
			t.Error(err)
		}
	})
	for _, args := range [][]string{
		// While the cable is pulled, or whatever is beyond this machine might answer.
		{"route", "add", "unreachable", all, "metric", "4096"},
		{"link", "add", n.name, "type", "veth", "peer", "name", "here", "netns", n.name},
		{"address", "add", n.Here + "/30", "dev", n.name},
		{"link", "set", n.name, "up"},
		{"-n", n.name, "address", "add", n.There + "/30", "dev", "here"},
		{"-n", n.name, "link", "set", "here", "up"},
		{"-n", n.name, "link", "set", "lo", "up"},
	} {
		if err := ip(args...); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// Command is a command that runs there; of a nil Net it runs here.
func (n *Net) Command(name string, args ...string) (string, []string) {
	if n == nil {
		return name, args
	}
	return "ip", append([]string{"netns", "exec", n.name, name}, args...)
}

// Unplug pulls the cable at this end, where nobody finds the other any more, or at
// the other, from which nothing is heard any more, and gives back how to put it in
// again.
func (n *Net) Unplug(t testing.TB, atThisEnd bool) (plug func()) {
	t.Helper()
	end := []string{"-n", n.name, "link", "set", "here"}
	if atThisEnd {
		end = []string{"link", "set", n.name}
	}
	set := func(state string) {
		if err := ip(append(end, state)...); err != nil {
			t.Error(err)
		}
	}
	set("down")
	return func() { set("up") }
}

func ip(args ...string) error {
	out, err := exec.CommandContext(context.Background(), "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w %s", strings.Join(args, " "), err, out)
	}
	return nil
}
