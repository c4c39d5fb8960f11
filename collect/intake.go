package collect

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/internal/text"
	"github.com/beforehand-go/beforehand/pageview"
)

// Intake makes pageviews of what the ways in saw. It is the one place where
// that is done, so that a pageview counts the same whichever way it came in.
// It is safe for concurrent use.
type Intake struct {
	Visitors *Visitors
	Agents   *Agents
	Country  func(netip.Addr) string // two letters of the country of an address; nil means not known
	Machines *Networks               // networks of data centres, in which no person sits; nil means none

	referrers memo[referrer]
	hour      atomic.Pointer[localHour] // that of the last pageview
	now       atomic.Int64              // an instant that has passed, in seconds since 1970
}

// earliest is the first instant at which a pageview can have been seen, and
// ahead how far a sender's clock may be in front of ours.
var earliest = time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC)

const ahead = 24 * time.Hour

// Pageview makes a pageview of the site from what was seen. Left is the reason
// why it is none; empty means that it is one. A bot's is one, with its verdict.
func (in *Intake) Pageview(ctx context.Context, site *Site, s *Seen) (v pageview.Pageview, left string, err error) {
	left, err = in.fill(ctx, site, s, &v, time.Now())
	return v, left, err
}

// fill is Pageview into room that is there. Now may have passed a moment ago: to look
// at the clock for each line of a log costs as much as to read its address.
func (in *Intake) fill(ctx context.Context, site *Site, s *Seen, v *pageview.Pageview, now time.Time) (left string, err error) {
	host, path, query, ok := splitURL(s.URL)
	if !ok {
		return LeftNotAPage, nil
	}
	if host == "" {
		host = s.Host
	}
	addr, known := netip.ParseAddr(s.Addr)
	switch {
	case !site.Takes(host):
		return LeftOtherHost, nil
	case s.At.Before(earliest) || in.future(s.At):
		return LeftTime, nil
	case known == nil && within(site.Exclude.Addrs, addr.Unmap()):
		return LeftExcluded, nil
	}
	if path, left = site.page(path, query); left != "" {
		return left, nil
	}
	hour := in.localHour(s.At, site.Zone)
	agent := in.agent(s)
	*v = pageview.Pageview{
		Site: site.Name, At: s.At, Day: hour.day, Hour: hour.began, Path: path,
		Title: text.Clean(s.Title, maxTitle), Campaign: campaign(query), Language: language(s.Language),
		Browser: agent.Browser, System: agent.System, Device: agent.Device, Bot: agent.Bot, Source: s.Source,
	}
	if s.Referrer != "" {
		v.Referrer, v.ReferrerPage = site.referrer(in.referrers.of(s.Referrer, parseReferrer), host)
	}
	switch {
	case v.Bot == "" && known == nil && in.Machines.Contain(addr.Unmap()):
		v.Bot = BotDataCentre
	case v.Bot == "" && site.spams(v.Referrer):
		v.Bot = BotSpam
	}
	v.Country = country(s.Country)
	if v.Country == "" && in.Country != nil && known == nil {
		v.Country = country(in.Country(addr.Unmap()))
	}
	if v.Country == "" && s.Zone != "" {
		v.Country = zoneCountry(s.Zone)
	}
	if v.Device == "" && s.Width > 0 && v.Bot == "" {
		v.Device = device(s.Width)
	}
	from := s.Addr
	if known == nil && !addr.Is4() { // one address, however it is written
		from = addr.Unmap().WithZone("").String()
	}
	v.Visitor, err = in.visitor(ctx, v, s, from, now)
	return "", err
}

// page is the path by which a page is counted, or why it is not.
func (s *Site) page(path, query string) (counted, left string) {
	path, ok := cleanPath(path)
	switch {
	case !ok:
		return "", LeftNotAPage
	case isStatic(path):
		return "", LeftStatic
	}
	if path = s.Paths.apply(path, query); path == "" {
		return "", LeftExcluded
	}
	return path, ""
}

// Page is the path by which the site counts the page at an absolute address;
// empty where it counts none.
func (s *Site) Page(address string) string {
	host, path, query, ok := splitURL(address)
	if !ok || host == "" || !s.Takes(host) {
		return ""
	}
	path, _ = s.page(path, query)
	return path
}

func (in *Intake) agent(s *Seen) Agent {
	switch {
	case s.NoPerson != "":
		return Agent{Bot: s.NoPerson}
	case s.Agent == "" && s.NoAgent:
		return s.Told.clean()
	}
	return in.Agents.Classify(s.Agent)
}

// visitor is the number that stands for who saw the page; zero where nothing
// tells one visitor from another.
func (in *Intake) visitor(ctx context.Context, v *pageview.Pageview, s *Seen, from string, now time.Time) (uint64, error) {
	switch {
	case s.Visitor != "":
		return in.Visitors.id(ctx, v.Site, v.Day, "", s.Visitor, now)
	case from == "":
		return 0, nil
	}
	return in.Visitors.id(ctx, v.Site, v.Day, from, s.Agent, now)
}

// splitURL splits a path or an absolute address into host, path and query, all
// as they are written: a page has one path whichever of the two tells of it.
func splitURL(target string) (host, path, query string, ok bool) {
	if !strings.HasPrefix(target, "/") {
		scheme, rest, _ := strings.Cut(target, "://")
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return "", "", "", false
		}
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		u, err := url.Parse("http://" + rest[:end])
		if err != nil {
			return "", "", "", false
		}
		if host, target = u.Host, rest[end:]; !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	}
	target, _, _ = strings.Cut(target, "#")
	path, query, _ = strings.Cut(target, "?")
	return host, path, query, true
}

// referrer is where a visitor came from.
type referrer struct{ host, page string } // as Pageview has them

func parseReferrer(address string) referrer {
	host := referrerHost(address)
	if host == "" {
		return referrer{}
	}
	u, err := url.Parse(address)
	if err != nil {
		return referrer{host: host}
	}
	path, ok := cleanPath(u.EscapedPath())
	if !ok || path == "" {
		path = "/"
	}
	return referrer{host, text.Clean(host+path, maxReferrerPage)}
}

// referrer is the host a visitor came from and the page there; nothing when
// that was the site itself.
func (s *Site) referrer(r referrer, own string) (host, page string) {
	if r.host == "" || s.owns(r.host) || own != "" && r.host == strings.TrimPrefix(hostName(own), "www.") || slices.Contains(s.Internal, r.host) {
		return "", ""
	}
	return r.host, r.page
}

// future tells whether an instant is further ahead than a sender's clock may
// be. The clock is read only for what comes after all that passed so far.
func (in *Intake) future(at time.Time) bool {
	if at.Unix() <= in.now.Load() {
		return false
	}
	now := time.Now()
	in.now.Store(now.Unix())
	return at.Sub(now) > ahead
}

// localHour is an hour of a zone.
type localHour struct {
	zone       *time.Location
	day        pageview.Day
	began      time.Time // as pageview.HourOf has it
	first, end int64     // seconds since 1970: what lies between is of this hour
}

// localHour is the hour of an instant. It is kept, since what comes next is
// mostly of the same.
func (in *Intake) localHour(at time.Time, zone *time.Location) *localHour {
	second := at.Unix()
	if h := in.hour.Load(); h != nil && h.zone == zone && h.first <= second && second < h.end {
		return h
	}
	local := at.In(zone)
	h := &localHour{zone: zone, day: pageview.DayOf(local), began: pageview.HourOf(local)}
	h.first = h.began.Unix()
	h.end = local.Unix() + 3600 - int64(local.Minute())*60 - int64(local.Second())
	if _, change := local.ZoneBounds(); !change.IsZero() {
		h.end = min(h.end, change.Unix())
	}
	in.hour.Store(h)
	return h
}
