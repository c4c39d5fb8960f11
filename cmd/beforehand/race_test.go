//go:build race

package main

// raced tells that the race detector is on, which makes ten times as much work.
const raced = true
