package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// supervisor is systemd, where it has started this process and wants to know how
// it is (sd_notify(3)). Its zero value is nobody.
type supervisor struct {
	socket string
	within time.Duration // it must hear of us so often; zero means that it need not
}

// newSupervisor reads what systemd has put into the environment.
func newSupervisor() supervisor {
	v := supervisor{socket: os.Getenv("NOTIFY_SOCKET")}
	if us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
		if pid := os.Getenv("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
			v.within = time.Duration(us) * time.Microsecond
		}
	}
	return v
}

// tell tells the supervisor, such as READY=1.
func (v supervisor) tell(states ...string) error {
	if v.socket == "" {
		return nil
	}
	name := v.socket
	if rest, ok := strings.CutPrefix(name, "@"); ok {
		name = "\x00" + rest // of the abstract namespace
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(strings.Join(states, "\n"))); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}

// watch tells the supervisor that all is well for as long as it is, until ctx
// ends.
func (v supervisor) watch(ctx context.Context, well func(context.Context) bool) error {
	if v.socket == "" || v.within == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	tick := time.NewTicker(v.within / 3)
	defer tick.Stop()
	for {
		if well(ctx) {
			if err := v.tell("WATCHDOG=1"); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
