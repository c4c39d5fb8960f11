package listen

import (
	"context"
	"crypto/tls"
	"time"
)

// Certificates are shown to readers, and kept current.
type Certificates interface {
	// Config is for the listener of readers.
	Config() *tls.Config
	// Covers tells whether readers may come by a host name.
	Covers(host string) bool
	// Expires tells until when each certificate in service is good.
	Expires() map[string]time.Time
	// Run keeps them current until ctx ends.
	Run(ctx context.Context) error
}

// lookEvery is how often certificates are looked after.
const lookEvery = time.Minute

// looking calls look at once and then every minute, until ctx ends.
func looking(ctx context.Context, look func(context.Context)) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
