package listen_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/internal/acmetest"
	"github.com/beforehand-go/beforehand/listen"
)

// TestCertificatesAreRenewedForAYear lets a year pass with an authority whose
// certificates are good for 90 days, and looks each day whether there is one, and
// that its end is never near.
func TestCertificatesAreRenewedForAYear(t *testing.T) {
	authority := acmetest.New(t, 90*24*time.Hour)
	cache := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		a, err := listen.NewACME(listen.ACMEConfig{
			Hosts: []string{acmeHost}, Directory: acmetest.Directory, Cache: cache, Transport: authority,
			Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx) }()
		for day := range 365 {
			time.Sleep(24 * time.Hour)
			if left := time.Until(a.Expires()[acmeHost]); left < 28*24*time.Hour {
				t.Errorf("on day %d the certificate is good for %s", day, left)
			}
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if text := logged.String(); strings.TrimSpace(text) != "" {
			t.Errorf("the log says %s", text)
		}
	})
	if n := authority.Orders(); n < 6 || n > 8 {
		t.Errorf("%d certificates were asked for in a year", n)
	}
}
