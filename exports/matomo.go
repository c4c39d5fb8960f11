package exports

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
)

// visit is a visit of Matomo's Live.getLastVisitsDetails. Numbers come as
// numbers or as texts.
type visit struct {
	ID       matomoText     `json:"idVisit"`
	Visitor  matomoText     `json:"visitorId"`
	Addr     matomoText     `json:"visitIp"`
	Actions  matomoText     `json:"actions"`
	Referrer matomoText     `json:"referrerUrl"`
	Language matomoText     `json:"languageCode"`
	Country  matomoText     `json:"countryCode"`
	Browser  matomoText     `json:"browserName"`
	System   matomoText     `json:"operatingSystemName"`
	Device   matomoText     `json:"deviceType"`
	Details  []matomoAction `json:"actionDetails"`
}

type matomoAction struct {
	Type  matomoText `json:"type"`
	URL   matomoText `json:"url"`
	Title matomoText `json:"pageTitle"`
	Time  matomoText `json:"timestamp"`
}

// matomoText is a text, a number, or nothing.
type matomoText string

func (t *matomoText) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*t = matomoText(s)
		return err
	}
	if s := string(b); s != "null" && s != "false" && s[0] != '[' && s[0] != '{' {
		*t = matomoText(s)
	}
	return nil
}

// matomoJSON reads a list of visits.
func (r *run) matomoJSON(in io.Reader) reader {
	return func(_ context.Context, emit func(item) error) error {
		b := &bound{r: in, left: maxVisit, err: fmt.Errorf("a visit is longer than %d bytes", maxVisit)}
		d := json.NewDecoder(b)
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return fmt.Errorf("%s: it is no list of visits", r.file.Name)
		}
		for n := int64(1); d.More(); n++ {
			b.left = maxVisit
			var v visit
			if err := d.Decode(&v); err != nil {
				return fmt.Errorf("%s: visit %d, byte %d: %w", r.file.Name, n, d.InputOffset(), err)
			}
			if err := r.matomoVisit(&v, n, emit); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return fmt.Errorf("%s: byte %d: the list has no end: %w", r.file.Name, d.InputOffset(), err)
		}
		return nil
	}
}

// matomoCSV reads visits as rows, in which the actions of a visit are columns
// such as actionDetails_0_url.
func (r *run) matomoCSV(in io.Reader) reader {
	return func(_ context.Context, emit func(item) error) error {
		s, err := openSheet(r.file.Name, in)
		if err != nil {
			return err
		}
		if err := s.need("idVisit", "actionDetails_0_type", "actionDetails_0_url", "actionDetails_0_timestamp"); err != nil {
			return err
		}
		get := func(name string) matomoText { return matomoText(s.get(name)) }
		return s.rows(emit, func() (string, error) {
			v := visit{
				ID: get("idVisit"), Visitor: get("visitorId"), Addr: get("visitIp"), Actions: get("actions"), Referrer: get("referrerUrl"),
				Language: get("languageCode"), Country: get("countryCode"), Browser: get("browserName"),
				System: get("operatingSystemName"), Device: get("deviceType"),
			}
			for i := 0; s.has("actionDetails_" + strconv.Itoa(i) + "_type"); i++ {
				prefix := "actionDetails_" + strconv.Itoa(i) + "_"
				a := matomoAction{get(prefix + "type"), get(prefix + "url"), get(prefix + "pageTitle"), get(prefix + "timestamp")}
				if a.Type != "" {
					v.Details = append(v.Details, a)
				}
			}
			return "", r.matomoVisit(&v, s.line, emit)
		})
	}
}

// matomoVisit hands on the actions of a visit.
func (r *run) matomoVisit(v *visit, line int64, emit func(item) error) error {
	if n, err := strconv.ParseInt(string(v.Actions), 10, 64); err == nil {
		r.totals.what = sumActions
		r.totals.file += n
	}
	referrer := string(v.Referrer)
	for _, a := range v.Details {
		i := item{file: r.file.Name, line: line}
		at, err := strconv.ParseInt(string(a.Time), 10, 64)
		switch a.Type {
		case "action", "download", "outlink", "search": // what Matomo counts as actions
			r.totals.kept++
		}
		switch {
		case a.Type != "action":
			i.left = LeftEvent
		case err != nil:
			i.broken = fmt.Sprintf("visit %.20s: timestamp of an action: not a number of seconds", v.ID)
		default:
			i.seen = &collect.Seen{
				At: time.Unix(at, 0), URL: string(a.URL), Title: string(a.Title), Referrer: referrer, NoAgent: true,
				Language: string(v.Language), Country: string(v.Country), Visitor: v.visitor(),
				Told: collect.Agent{Browser: string(v.Browser), System: string(v.System), Device: v.device()},
			}
			referrer = "" // it is that of the first page
		}
		if err := emit(i); err != nil {
			return err
		}
	}
	return nil
}

// visitor is what tells one visitor from another.
func (v *visit) visitor() string {
	for _, id := range []matomoText{v.Visitor, v.Addr, v.ID} {
		if id != "" {
			return "matomo " + string(id)
		}
	}
	return ""
}

func (v *visit) device() string {
	switch kind := strings.ToLower(string(v.Device)); kind {
	case "smartphone", "phablet", "feature phone":
		return "mobile"
	default:
		return kind
	}
}
