package collect

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
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
}

// earliest is the first instant at which a pageview can have been seen, and
// ahead how far a sender's clock may be in front of ours.
var earliest = time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC)

const ahead = 24 * time.Hour

// Pageview makes a pageview of the site from what was seen. Left is the reason
// why it is none; empty means that it is one. A bot's is one, with its verdict.
func (in *Intake) Pageview(ctx context.Context, site *Site, s *Seen) (v pageview.Pageview, left string, err error) {
	target := s.URL
	host, path, query, ok := splitURL(target)
	if !ok {
		return v, LeftNotAPage, nil
	}
	if host == "" {
		host = s.Host
	}
	addr, known := netip.ParseAddr(s.Addr)
	switch {
	case !site.takes(host):
		return v, LeftOtherHost, nil
	case s.At.Before(earliest) || time.Until(s.At) > ahead:
		return v, LeftTime, nil
	case known == nil && within(site.Exclude.Addrs, addr.Unmap()):
		return v, LeftExcluded, nil
	}
	if path, left = site.page(path, query); left != "" {
		return v, left, nil
	}
	local := s.At.In(site.Zone)
	agent := in.agent(s)
	v = pageview.Pageview{
		Site: site.Name, At: s.At, Day: pageview.DayOf(local), Hour: pageview.HourOf(local), Path: path,
		Title: text.Clean(s.Title, maxTitle), Campaign: campaign(query), Language: language(s.Language),
		Browser: agent.Browser, System: agent.System, Device: agent.Device, Bot: agent.Bot, Source: s.Source,
	}
	v.Referrer, v.ReferrerPage = site.referrer(s.Referrer, host)
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
	v.Visitor, err = in.visitor(ctx, &v, s, from)
	return v, "", err
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
	if !ok || host == "" || !s.takes(host) {
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
func (in *Intake) visitor(ctx context.Context, v *pageview.Pageview, s *Seen, from string) (uint64, error) {
	switch {
	case s.Visitor != "":
		return in.Visitors.ID(ctx, v.Site, v.Day, "", s.Visitor)
	case from == "":
		return 0, nil
	}
	return in.Visitors.ID(ctx, v.Site, v.Day, from, s.Agent)
}

// splitURL splits a path or an absolute address into host, escaped path and
// query.
func splitURL(target string) (host, path, query string, ok bool) {
	if strings.HasPrefix(target, "/") {
		path, query, _ = strings.Cut(target, "?")
		path, _, _ = strings.Cut(path, "#")
		query, _, _ = strings.Cut(query, "#")
		return "", path, query, true
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", "", "", false
	}
	if path = u.EscapedPath(); path == "" {
		path = "/"
	}
	return u.Host, path, u.RawQuery, true
}

// referrer is the host a visitor came from and the page there; nothing when
// that was the site itself.
func (s *Site) referrer(referrer, own string) (host, page string) {
	host = referrerHost(referrer)
	if host == "" || s.owns(host) || own != "" && host == strings.TrimPrefix(hostName(own), "www.") || slices.Contains(s.Internal, host) {
		return "", ""
	}
	u, err := url.Parse(referrer)
	if err != nil {
		return host, ""
	}
	path, ok := cleanPath(u.EscapedPath())
	if !ok || path == "" {
		path = "/"
	}
	return host, text.Clean(host+path, maxReferrerPage)
}
