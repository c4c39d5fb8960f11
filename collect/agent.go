package collect

import (
	"strings"
	"unicode"

	"github.com/mileusna/useragent"
	crawlers "github.com/monperrus/crawler-user-agents"
)

// Reasons why a pageview is not a person's.
const (
	BotNoAgent    = "no_agent"      // no user agent was sent
	BotFeedReader = "feed_reader"   // it reads feeds for somebody
	BotHeadless   = "headless"      // a browser without a screen, or one that a program drives
	BotKnown      = "known_bot"     // the agent names itself, or is on the list of crawlers
	BotDataCentre = "data_centre"   // its address is in a network of machines
	BotSpam       = "referrer_spam" // it names a referrer that wants to be looked at
	BotNoBrowser  = "not_a_browser" // a program that does not say it is a browser
)

// Agent is what a user agent tells.
type Agent struct {
	Browser, System, Device string // empty when not known, and for a bot
	Bot                     string // why it is not a person; empty means it is one
}

// Agents classifies user agents and remembers those it met. It is safe for
// concurrent use; the zero value is ready.
type Agents struct{ known memo[Agent] }

// Classify tells what a user agent is.
func (a *Agents) Classify(agent string) Agent { return a.known.of(agent, classify) }

func classify(agent string) Agent {
	if bot := botReason(agent); bot != "" {
		return Agent{Bot: bot}
	}
	ua := useragent.Parse(agent)
	v := Agent{Browser: word(browser(agent, ua.Name)), System: word(ua.OS)}
	switch {
	case ua.Bot:
		return Agent{Bot: BotKnown}
	case ua.Tablet, v.System == "Android" && strings.Contains(agent, "Chrome/") && !strings.Contains(agent, "Mobi"): // as Chrome tells the two apart
		v.Device = "tablet"
	case ua.Mobile:
		v.Device = "mobile"
	case ua.Desktop:
		v.Device = "desktop"
	}
	return v
}

// browser is the name of a browser that calls itself something else as well,
// or the one that was found.
func browser(agent, found string) string {
	for _, b := range [...]struct{ sign, name string }{
		{"MicroMessenger/", "WeChat"},
		{"MQQBrowser/", "QQ Browser"},
		{" QQ/", "QQ"},
		{"baiduboxapp/", "Baidu"},
		{"UCBrowser/", "UC Browser"},
		{"DuckDuckGo/", "DuckDuckGo"},
		{"Ddg/", "DuckDuckGo"},
		{"YaBrowser/", "Yandex Browser"},
		{"HeyTapBrowser/", "HeyTap Browser"},
		{"[LinkedInApp]", "LinkedIn App"},
		{"Trident/7.", "Internet Explorer"},
	} {
		if strings.Contains(agent, b.sign) {
			return b.name
		}
	}
	if found == "iPhone" || found == "iPad" { // not a browser
		return ""
	}
	return found
}

// device is what a screen of that width is likely on.
func device(width int) string {
	switch {
	case width < 600:
		return "mobile"
	case width < 1024:
		return "tablet"
	}
	return "desktop"
}

// botReason is why an agent is no person's. It leaves out two signs that look
// like one and are not: HTTP/1.1, which proxies speak, and "TE: trailers",
// which Firefox sends.
func botReason(agent string) string {
	lower := strings.ToLower(agent)
	switch {
	case strings.TrimSpace(agent) == "":
		return BotNoAgent
	case containsAny(lower, "feed", "rss", "inoreader", "newsblur", "netnewswire", "tiny tiny", "miniflux",
		"newsboat", "liferea", "akregator", "reeder/", "theoldreader", "digg", "bloglines", "blogtrottr",
		"simplepie", "google-reader", "netvibes", "bloglovin", "bazqux", "vienna/", "omea reader"),
		strings.HasPrefix(lower, "planet"), strings.HasPrefix(lower, "venus"):
		return BotFeedReader
	case containsAny(lower, "headless", "phantomjs", "slimerjs", "puppeteer", "playwright"):
		return BotHeadless
	case containsAny(lower, "http://", "https://", "crawl", "spider", "scan", "probe", "monitor", "uptime",
		"statuscake", "pingdom", "site24x7", "lighthouse"), // they look like browsers otherwise
		strings.Contains(strings.ReplaceAll(lower, "cubot", ""), "bot"), // Cubot makes telephones
		crawlers.IsCrawler(agent):
		return BotKnown
	case !startsAny(agent, "Mozilla/", "Opera/", "Lynx/", "w3m/", "Links (", "ELinks"),
		strings.HasPrefix(agent, "Mozilla/") && !strings.Contains(agent, "("): // each browser tells there what it runs on
		return BotNoBrowser
	}
	return ""
}

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

func startsAny(s string, starts ...string) bool {
	for _, p := range starts {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// clean makes what a way in told fit to be kept.
func (a Agent) clean() Agent {
	a.Browser, a.System = word(a.Browser), word(a.System)
	switch a.Device {
	case "desktop", "mobile", "tablet":
	default:
		a.Device = ""
	}
	return a
}

// word is a name that is fit to be kept; what is not is dropped, since a
// sender can write anything into an agent.
func word(s string) string {
	bad := func(r rune) bool {
		return r != ' ' && r != '.' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	if len(s) > 40 || strings.ContainsFunc(s, bad) {
		return ""
	}
	return s
}
