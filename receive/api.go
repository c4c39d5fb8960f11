package receive

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/token"
)

const (
	// maxBatch is how many pageviews one request may bring.
	maxBatch = 10_000
	// maxBody is how long a request may be in bytes.
	maxBody = 16 << 20
	// maxKey is how long an idempotency key may be in bytes.
	maxKey = 200
)

const (
	viewSize = 400                  // bytes of memory of a pageview, at least
	minItem  = len(`{"path":"/"},`) // the shortest pageview in bytes
)

// itemsIn is how many pageviews a text of that size can hold.
func itemsIn(size int64) int64 { return min(size/int64(minItem)+1, maxBatch) }

// Answer is what the API says of a request that it has read.
type Answer struct {
	Accepted int        `json:"accepted"` // pageviews that are on disk
	Refused  []*refusal `json:"refused,omitempty"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// takePageviews takes POST /api/v1/pageviews.
func (r *Receiver) takePageviews(w http.ResponseWriter, req *http.Request) {
	sender, refused := r.sender(req)
	if refused != nil {
		refused.write(w)
		return
	}
	b, refused := r.read(w, req)
	if refused != nil {
		refused.write(w)
		return
	}
	defer r.room.Release(b.room)
	b.sender = sender
	if refused = b.parse(); refused == nil {
		refused = r.commit(w, b)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	status := http.StatusOK
	if b.answer.Accepted == 0 && len(b.answer.Refused) > 0 {
		status = http.StatusUnprocessableEntity
	}
	writeJSON(w, status, b.answer)
}

// sender is the token of who sends.
func (r *Receiver) sender(req *http.Request) (token.Token, *problem) {
	t, err := r.Tokens.Check(req)
	switch {
	case errors.Is(err, token.ErrMissing), errors.Is(err, token.ErrUnknown):
		return t, refuseAll(http.StatusUnauthorized, "%v", err)
	case err != nil:
		return t, r.trouble(req, fmt.Errorf("check token: %w", err))
	case !t.Has(token.PageviewsWrite):
		return t, refuseAll(http.StatusForbidden, "the token has not the scope %s", token.PageviewsWrite)
	}
	return t, nil
}

// batch is a request on its way.
type batch struct {
	r      *Receiver
	req    *http.Request
	text   []byte
	lines  bool   // one object a line
	site   string // of pageviews that name none
	key    *pageview.Key
	room   int64 // bytes of memory that it holds
	sender token.Token

	now    time.Time
	views  []pageview.Pageview
	answer Answer
}

// read reads a request into memory, if there is room for it. Its room is given
// back by who asked, or here where it is refused.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) (_ *batch, refused *problem) {
	kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/x-ndjson" {
		return nil, refuseAll(http.StatusUnsupportedMediaType, "the Content-Type is application/json or application/x-ndjson")
	}
	if coding := req.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, refuseAll(http.StatusUnsupportedMediaType, "the Content-Encoding is not understood; send the body as it is")
	}
	size := req.ContentLength
	switch {
	case size > maxBody:
		return nil, tooLong()
	case size < 0:
		size = maxBody
	}
	b := &batch{r: r, req: req, lines: kind == "application/x-ndjson", site: req.URL.Query().Get("site"), now: time.Now()}
	b.room = 3*size + viewSize*itemsIn(size)
	if !r.room.TryAcquire(b.room) {
		return nil, crowded()
	}
	defer func() {
		if refused != nil {
			r.room.Release(b.room)
		}
	}()
	var buf bytes.Buffer
	buf.Grow(int(max(req.ContentLength, 0)) + bytes.MinRead)
	_, err = io.Copy(&buf, http.MaxBytesReader(w, req.Body, maxBody))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, tooLong()
	} else if err != nil {
		return nil, cutOff(err)
	}
	b.text = buf.Bytes()
	b.views = make([]pageview.Pageview, 0, min(itemsIn(int64(len(b.text))), int64(bytes.Count(b.text, []byte("{")))))
	return b, b.readKey(req)
}

// readKey reads the idempotency key. What it stands for is the body and the
// site that the address names.
func (b *batch) readKey(req *http.Request) *problem {
	name := req.Header.Get("Idempotency-Key")
	if name == "" {
		return nil
	}
	odd := func(c rune) bool { return c <= ' ' || c > '~' }
	if len(name) > maxKey || strings.ContainsFunc(name, odd) {
		return refuseAll(http.StatusBadRequest, "an Idempotency-Key is 1 to %d visible characters of ASCII", maxKey)
	}
	h := sha256.New()
	h.Write(strconv.AppendQuote(nil, b.site))
	h.Write(b.text)
	b.key = &pageview.Key{Name: name, Digest: [32]byte(h.Sum(nil))}
	return nil
}

// parse makes pageviews of the text.
func (b *batch) parse() *problem {
	s := &scanner{text: b.text}
	var err error
	switch {
	case b.lines:
		err = b.parseLines(s)
	case s.peek() == '[':
		err = b.parseList(s)
	case s.ended():
		err = s.fail("there is no pageview")
	default:
		err = b.next(s, 0)
	}
	if err == nil && !s.ended() {
		err = s.fail("nothing may follow here")
	}
	var syntax *syntaxError
	var refused *problem
	switch {
	case errors.As(err, &syntax):
		p := refuseAll(http.StatusBadRequest, "not JSON: %s", syntax.text)
		p.Line, p.Column = place(b.text, syntax.offset)
		p.Offset = &syntax.offset
		return p
	case errors.As(err, &refused):
		return refused
	case err != nil:
		return b.r.trouble(b.req, err)
	}
	return nil
}

func (b *batch) parseList(s *scanner) error {
	s.at++
	for i := 0; ; i++ {
		more, err := s.more(i == 0, ']')
		if err != nil || !more {
			return err
		}
		if err := b.next(s, i); err != nil {
			return err
		}
	}
}

// parseLines reads an object a line. A line that is none is refused alone.
func (b *batch) parseLines(s *scanner) error {
	i := 0
	for line := range bytes.Lines(s.text) {
		one, taken := &scanner{text: line}, len(b.views)
		if one.ended() {
			continue
		}
		err := b.next(one, i)
		if err == nil && !one.ended() {
			b.views = b.views[:taken]
			err = one.fail("nothing may follow here")
		}
		if syntax := (*syntaxError)(nil); errors.As(err, &syntax) {
			b.refuse(i, refuse(refusedMalformed, "", "not JSON at byte %d of the line: %s", syntax.offset, syntax.text))
		} else if err != nil {
			return err
		}
		i++
	}
	s.at = len(s.text)
	return nil
}

// next reads one pageview and makes it the site's.
func (b *batch) next(s *scanner, index int) error {
	if index >= maxBatch {
		return tooLong()
	}
	var v item
	refused, err := s.item(&v)
	if err == nil && refused == nil {
		refused, err = b.take(&v)
	}
	if err == nil && refused != nil {
		b.refuse(index, refused)
	}
	return err
}

func (b *batch) refuse(index int, refused *refusal) {
	refused.Index = index
	b.answer.Refused = append(b.answer.Refused, refused)
}

// take makes a pageview of its site, or says why not.
func (b *batch) take(v *item) (*refusal, error) {
	if (v.url == "") == (v.path == "") {
		return refuse(refusedMissing, "url", "a pageview has a url, or else a path"), nil
	}
	host := cmp.Or(urlHost(v.url), v.host)
	name := cmp.Or(v.site, b.site)
	if name == "" && len(b.sender.Sites) == 1 {
		name = b.sender.Sites[0]
	}
	site := b.r.site(name, host)
	switch {
	case site == nil:
		return refuse(leftUnknownSite, "site", "there is no site of that name or host"), nil
	case !b.sender.Allows(token.PageviewsWrite, site.Name):
		return refuse(refusedScope, "site", "the token is not for that site"), nil
	}
	at := v.at
	if at.IsZero() {
		at = b.now
	}
	view, left, err := b.r.Intake.Pageview(b.req.Context(), site, &collect.Seen{
		At: at, Host: host, URL: cmp.Or(v.url, v.path), Title: v.title, Referrer: v.referrer,
		Addr: v.address, Agent: v.agent, NoAgent: !v.told, Language: v.language, Country: v.country,
		Visitor: v.visitor, Source: pageview.SourceAPI,
	})
	if err != nil || left != "" {
		return refuse(left, "", "%s", leftTexts[left]), err
	}
	b.views = append(b.views, view)
	return nil, nil
}

// leftTexts says in words why collect leaves something out.
var leftTexts = map[string]string{
	collect.LeftNotAPage:  "not a page: an address of http or https, or a path from / on, of at most 2,048 bytes",
	collect.LeftStatic:    "a static file, not a page",
	collect.LeftOtherHost: "of a host that is not the site's",
	collect.LeftExcluded:  "left out by a rule of the site",
	collect.LeftTime:      "before 1995, or more than a day in the future",
}

// commit makes the batch durable. One that was before is answered as it was
// then: its pageviews and refusals are those of the same text.
func (r *Receiver) commit(w http.ResponseWriter, b *batch) *problem {
	b.answer.Accepted = len(b.views)
	if b.key != nil {
		b.key.Token = b.sender.Name
	} else if len(b.views) == 0 {
		return nil
	}
	err := r.keep(b.req.Context(), pageview.Batch{Pageviews: b.views, Key: b.key})
	switch {
	case errors.Is(err, pageview.ErrRepeated):
		w.Header().Set("Idempotency-Replayed", "true")
	case errors.Is(err, pageview.ErrKeyReused):
		return refuseAll(http.StatusUnprocessableEntity, "the Idempotency-Key came before with another body; nothing of this request was kept")
	case err != nil:
		return r.trouble(b.req, err)
	}
	return nil
}
