package web_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/web"
)

func TestList(t *testing.T) {
	up := 2
	var b bytes.Buffer
	err := web.List(&b, language.English, []web.Item{
		{Rank: 1, Path: "/a", Title: "A & <b>", URL: "https://blog.example/a", Picture: "https://blog.example/a.png", Pageviews: 1234, Change: &up, Published: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)},
		{Rank: 2, Path: "/b", Title: `"><script>alert(1)</script>`, URL: "javascript:alert(1)", Picture: `data:image/svg+xml,"onerror=alert(1)`},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `<ol class="beforehand-list">
<li value="1"><img src="https://blog.example/a.png" alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer"> <a href="https://blog.example/a"><bdi>A &amp; &lt;b&gt;</bdi></a>
<small class="beforehand-change up">up 2</small>
<small class="beforehand-counts">1,234 pageviews</small>
<small><time datetime="2026-03-01T09:00:00Z">2026-03-01</time></small></li>
<li value="2"><bdi>&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</bdi>
<small class="beforehand-change new">new</small>
<small class="beforehand-counts">0 pageviews</small></li>
</ol>
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	if err := web.List(&b, language.English, nil); err != nil || !strings.Contains(b.String(), "No article is hot yet") {
		t.Errorf("%s, %v", b.String(), err)
	}
}
