package collect

import "testing"

func TestClassify(t *testing.T) {
	const (
		firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
		iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1"
		cubot   = "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36"
	)
	var agents Agents
	for agent, want := range map[string]Agent{
		firefox: {Browser: "Firefox", System: "Linux", Device: "desktop"},
		iphone:  {Browser: "Safari", System: "iOS", Device: "mobile"},
		cubot:   {Browser: "Chrome", System: "Android", Device: "mobile"},
		"":      {Bot: BotNoAgent},
		"  ":    {Bot: BotNoAgent},
		"DigitalOcean Uptime Probe 0.22.0 (https://digitalocean.com)":                                        {Bot: BotKnown},
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                           {Bot: BotKnown},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/129.0 Safari": {Bot: BotHeadless},
		"UniversalFeedParser/5.2.1 +https://code.google.com/p/feedparser/":                                   {Bot: BotFeedReader},
		"Tiny Tiny RSS/1.15.3 (http://tt-rss.org/)":                                                          {Bot: BotFeedReader},
		"Digg Feed Fetcher 1.0": {Bot: BotFeedReader},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36 (StatusCake)": {Bot: BotKnown},
		"curl/8.5.0":                  {Bot: BotKnown},
		"Custom-AsyncHttpClient":      {Bot: BotNoBrowser},
		"Expanse, a company":          {Bot: BotKnown},
		"<script>alert(1)</script>":   {Bot: BotNoBrowser},
		"Dalvik/2.1.0 (Linux; U; An)": {Bot: BotNoBrowser},
	} {
		for range 2 { // the second time from memory
			if got := agents.Classify(agent); got != want {
				t.Errorf("%q: %+v, want %+v", agent, got, want)
			}
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
	b.Run("met", func(b *testing.B) {
		var agents Agents
		for b.Loop() {
			agents.Classify(agent)
		}
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			classify(agent)
		}
	})
}
