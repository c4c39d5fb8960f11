package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	readers = 64
	rate    = 2000 // requests a second of all readers together
)

// late returns how late the slowest in a hundred answers of a second come:
// behind the instant at which each was due to be asked for, so that a server
// that stands still is charged with all that it keeps waiting. The others stand
// still meanwhile, so that the refresh has the other core for itself.
func (s *server) late(l load) (time.Duration, error) {
	if err := syscall.Kill(s.pid, syscall.SIGCONT); err != nil {
		return 0, err
	}
	defer func() { _ = syscall.Kill(s.pid, syscall.SIGSTOP) }() // it ends with this program
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	began := time.Now().Add(50 * time.Millisecond)
	var wg sync.WaitGroup
	for reader := range readers {
		wg.Go(func() {
			list, err := s.ask(l, began.Add(time.Duration(reader)*time.Second/rate))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, list...)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return 0, failed
	}
	slices.Sort(all)
	return all[len(all)*99/100], nil
}

// ask is one reader, who asks at fixed instants from the first on.
func (s *server) ask(l load, first time.Time) ([]time.Duration, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", l.path, strings.Join(l.headers, "\r\n"))
	answers := bufio.NewReaderSize(c, 32<<10)
	var list []time.Duration
	for due := first; due.Before(first.Add(time.Second)); due = due.Add(readers * time.Second / rate) {
		time.Sleep(time.Until(due))
		if _, err := io.WriteString(c, request); err != nil {
			return nil, err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return nil, err
		}
		list = append(list, time.Since(due))
	}
	return list, nil
}
