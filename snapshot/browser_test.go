package snapshot_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/throwaway"
)

// exchangesPage carries out exchanges in a browser, which decodes the bodies.
const exchangesPage = `<!doctype html><script>
(async () => {
	const seen = [];
	for (const e of %s) {
		const headers = Object.fromEntries(e.headers.map(h => h.split(/: (.*)/s)));
		const r = await fetch(e.path, {method: e.method, headers, cache: 'no-store'});
		seen.push({status: r.status, header: Object.fromEntries([...r.headers].map(([k, v]) => [k, [v]])), body: await r.text().catch(String)});
	}
	return JSON.stringify(seen);
})().catch(String).then(body => fetch('/result', {method: 'POST', body}));
</script>`

// browseExchanges carries out the exchanges in which the browser is free to say
// which codings it takes: brotli before all.
func browseExchanges(t *testing.T) {
	type request struct {
		Method  string   `json:"method"`
		Path    string   `json:"path"`
		Headers []string `json:"headers"`
	}
	o := startOrigin(t, "")
	tags := o.tags(t, "br")
	var list []exchange
	var requests []request
	for _, e := range exchanges {
		r := request{e.method, e.path, []string{}}
		for _, h := range e.headers {
			r.Headers = append(r.Headers, tags.Replace(h))
		}
		if strings.Contains(strings.Join(r.Headers, "\n"), "Accept-Encoding") {
			continue
		}
		if e.status == http.StatusOK && e.mediaType == jsonType {
			e.encoding = "br"
		}
		list, requests = append(list, e), append(requests, r)
	}
	script, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	o.page.Store(new(fmt.Sprintf(exchangesPage, script)))
	var got []struct {
		Status int
		Header http.Header
		Body   string
	}
	if result := o.browse(t); json.Unmarshal([]byte(result), &got) != nil || len(got) != len(list) {
		t.Fatalf("%d exchanges reported of %d: %s", len(got), len(list), result)
	}
	for i, e := range list {
		t.Run(e.name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range got[i].Header {
				h[http.CanonicalHeaderKey(k)] = v
			}
			e.hold(t, outcome{status: got[i].Status, header: h, body: []byte(got[i].Body), decoded: true})
		})
	}
	t.Logf("%d exchanges", len(list))
}

// browse opens the origin's page in a browser and returns what it reports.
func (o *origin) browse(t *testing.T) string {
	t.Helper()
	start(t, exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+throwaway.Dir(t), o.URL+"/page"))
	select {
	case result := <-o.results:
		return result
	case <-time.After(2 * time.Minute):
		t.Fatal("chromium has not reported")
	}
	return ""
}

// browserPage walks the steps in a browser and reports, for each, the status,
// the tag, a digest of the decoded body, and what the origin was asked.
const browserPage = `<!doctype html><script>
const steps = %s;
const sleep = ms => new Promise(r => setTimeout(r, ms));
const counts = async () => (await fetch('/counts')).json();
const hex = b => [...new Uint8Array(b)].map(x => x.toString(16).padStart(2, '0')).join('');
(async () => {
	const seen = [];
	for (const before of steps) {
		if (before.includes('wait')) await sleep(4100);
		if (before.includes('swap')) await fetch('/swap', {cache: 'no-store'});
		const [a, c] = await counts();
		const r = await fetch('/hot.json');
		const body = await r.arrayBuffer();
		const [a2, c2] = await counts();
		seen.push({status: r.status, tag: r.headers.get('etag'), encoding: r.headers.get('content-encoding'),
			digest: hex(await crypto.subtle.digest('SHA-256', body)), asked: a2 - a, confirmed: c2 - c});
	}
	const svg = await new Promise(r => { const i = new Image(); i.onload = () => r(true); i.onerror = () => r(false); i.src = '/hot.svg'; });
	await fetch('/result', {method: 'POST', body: JSON.stringify({seen, svg})});
})();
</script>`

func browse(t *testing.T) {
	t.Parallel()
	var befores []string
	for _, s := range steps {
		befores = append(befores, s.before)
	}
	list, err := json.Marshal(befores)
	if err != nil {
		t.Fatal(err)
	}
	o := startOrigin(t, fmt.Sprintf(browserPage, list))
	result := o.browse(t)
	var got struct {
		Seen []struct {
			Status                int
			Tag, Encoding, Digest string
			Asked, Confirmed      int64
		}
		SVG bool
	}
	if err := json.Unmarshal([]byte(result), &got); err != nil || len(got.Seen) != len(steps) {
		t.Fatalf("%s: %v", result, err)
	}
	if !got.SVG {
		t.Error("the picture was not shown")
	}
	for i, s := range steps {
		sum := sha256.Sum256([]byte(text(s.n)))
		g := got.Seen[i]
		if g.Status != 200 || g.Tag == "" || g.Encoding != "br" || g.Digest != hex.EncodeToString(sum[:]) || g.Asked != s.asked || g.Confirmed != s.confirmed {
			t.Errorf("step %d: %+v, want result %d, asked %d, confirmed %d", i, g, s.n, s.asked, s.confirmed)
		}
	}
}
