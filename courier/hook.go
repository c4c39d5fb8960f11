package courier

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/fetch"
	"github.com/beforehand-go/beforehand/outbox"
)

// Hook is a URL that takes messages, signed as Standard Webhooks has it
// (standardwebhooks.com): the receiver knows by Webhook-Signature who has sent
// one, by Webhook-Timestamp when, and by Webhook-Id whether it came before.
type Hook struct {
	url    string
	host   string
	key    []byte
	client *fetch.Client
}

// secretPrefix begins secrets whose rest is the key as base64.
const secretPrefix = "whsec_"

// NewHook makes a hook. The secret signs what is sent: any text, or whsec_ and a
// key as base64. A private hook may have an address that is not public.
func NewHook(address, secret string, private bool) (*Hook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the url of a webhook begins with https:// or http://")
	}
	h := &Hook{url: address, host: u.Host, key: []byte(secret)}
	if text, ok := strings.CutPrefix(secret, secretPrefix); ok {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("what follows %s in the secret is no base64", secretPrefix)
		}
		h.key = key
	}
	c := fetch.Config{Timeout: 30 * time.Second}
	if private {
		c.Private = fetch.Written(address)
	}
	h.client = fetch.New(c)
	return h, nil
}

// Close lets go of connections that are kept.
func (h *Hook) Close() { h.client.Close() }

// Send posts a body. Any answer of 2xx means that it was taken, and 410 that
// nothing will be any more.
func (h *Hook) Send(ctx context.Context, id string, body []byte) error {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	header := http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {at}}
	if len(h.key) > 0 {
		header["Webhook-Signature"] = []string{h.sign(id, at, body)}
	}
	res, err := h.client.Post(ctx, fetch.Post{URL: h.url, Header: header, Body: body, Most: 4 << 10})
	switch {
	case err != nil:
		return h.withoutURL(err)
	case res.Status == http.StatusGone:
		return &outbox.NeverError{Err: fmt.Errorf("the answer is 410: %.200q", res.Body)}
	case res.Status < 200 || res.Status > 299:
		return fmt.Errorf("the answer is %d: %.200q", res.Status, res.Body)
	}
	return nil
}

// withoutURL takes the URL out of an error: it may be a secret, as with those
// of chat rooms.
func (h *Hook) withoutURL(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("post to %s: %w", h.host, err)
}

func (h *Hook) sign(id, at string, body []byte) string {
	m := hmac.New(sha256.New, h.key)
	fmt.Fprintf(m, "%s.%s.", id, at)
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}
