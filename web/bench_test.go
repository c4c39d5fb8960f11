package web_test

import (
	"io"
	"testing"

	"github.com/beforehand-go/beforehand/web"
)

func BenchmarkPage(b *testing.B) {
	d := sample()
	for b.Loop() {
		if err := web.Page(io.Discard, d); err != nil {
			b.Fatal(err)
		}
	}
}
