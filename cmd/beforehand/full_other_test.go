//go:build !linux

package main

import "testing"

// smallDisk is a folder on a disk of a size.
func smallDisk(t *testing.T, _ string) string {
	t.Helper()
	t.Skip("left out: mounting a small disk needs Linux")
	return ""
}
