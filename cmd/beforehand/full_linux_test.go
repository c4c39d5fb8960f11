package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk imports onto a disk that is too small, makes it larger, and
// runs the same command again: into the data directory, and through a server
// that lives through it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	name, log := program(t), writeLog(t, 150_000)
	imp := func(data string) (string, error) {
		out, err := exec.CommandContext(t.Context(), name, "import", "--data", data, log).CombinedOutput()
		return string(out), err
	}
	calm := t.TempDir() + "/calm"
	if out, err := imp(calm); err != nil {
		t.Fatalf("undisturbed: %v\n%s", err, out)
	}
	want := numbers(t, name, calm)
	for _, through := range []string{"directory", "server"} {
		t.Run(through, func(t *testing.T) {
			disk := smallDisk(t, "6m")
			data := disk + "/d"
			var server *process
			if through == "server" {
				server, _ = serveOn(t, name, data)
			}
			out, err := imp(data)
			if err == nil || !strings.Contains(out, "hint: make room on the disk and run the same command again") {
				t.Fatalf("on a full disk: %v\n%.2000s", err, out)
			}
			if !strings.Contains(out, "committed ") {
				t.Fatalf("nothing was kept before the disk was full:\n%.2000s", out)
			}
			if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=600m"); err != nil {
				t.Fatal(err)
			}
			if out, err := imp(data); err != nil {
				t.Fatalf("with room again: %v\n%.2000s", err, out)
			}
			if server != nil {
				server.kill()
			}
			if got := numbers(t, name, data); got != want {
				t.Errorf("\n got %.600s\nwant %.600s", got, want)
			}
		})
	}
}

// smallDisk is a folder on a disk of a size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("left out: mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return disk
}
