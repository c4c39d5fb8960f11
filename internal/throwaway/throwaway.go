// Package throwaway is what the servers and browsers that a test starts have in
// common.
package throwaway

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Dir is a folder for what a program keeps, which any user can reach, as the
// parents of t.TempDir do not let them. What the program started may write there
// for a moment after it was killed.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "beforehand-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(5 * time.Second); os.RemoveAll(dir) != nil && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
	})
	return dir
}

// User is whom to run a program as that refuses to be root, and gives that user
// the folder. It is nil where the test is not root, and skips the test where
// there is no such user.
func User(t testing.TB, name, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Skipf("the program does not run as root, and there is no user %s to run it as", name)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32) // numbers on every system that has root
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// Port is a free port of the loopback interface. It is below those that the
// system gives to whoever names none, so that nobody is given it before the
// program listens there.
func Port(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 11_000 + rand.IntN(20_000)
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port was found")
	return 0
}

// Await asks a server until it answers, for a minute at most; then the test
// fails with what the server has logged.
func Await(t testing.TB, log string, ask func() error) {
	t.Helper()
	var answer error
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if answer = ask(); answer == nil {
			return
		}
	}
	text, _ := os.ReadFile(log)
	t.Fatalf("the server does not answer: %v\n%s", answer, text)
}
