package collect

import (
	"testing"

	crawlers "github.com/monperrus/crawler-user-agents"
)

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
		"Mozilla/5.0":                 {Bot: BotNoBrowser},
		"Mozilla/5.0 Keydrop":         {Bot: BotNoBrowser},
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

// TestBrowsersArePersons lists browsers that look unlike others.
func TestBrowsersArePersons(t *testing.T) {
	const (
		ios     = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
		android = "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36"
		windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	)
	for agent, want := range map[string]Agent{
		ios + "Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.38.112;FBDV/iPhone14,5;FBSN/iOS;FBOP/5]":                                                                 {Browser: "Facebook App", System: "iOS", Device: "mobile"},
		android + " [FB_IAB/FB4A;FBAV/468.1.0.56.78;]":                                                                                                         {Browser: "Facebook App", System: "Android", Device: "mobile"},
		ios + "Mobile/21F90 Instagram 337.0.3.29.65 (iPhone14,5; iOS 17_5_1; en_US; scale=3.00)":                                                               {Browser: "Instagram App", System: "iOS", Device: "mobile"},
		ios + "Mobile/15E148 MicroMessenger/8.0.42(0x18002a2a) NetType/WIFI Language/zh_CN":                                                                    {Browser: "WeChat", System: "iOS", Device: "mobile"},
		android + " XWEB/5075 MMWEBSDK/20230405 MicroMessenger/8.0.35.2360(0x28002357) WeChat/arm64":                                                           {Browser: "WeChat", System: "Android", Device: "mobile"},
		android + " QQ/8.9.28.10155 NetType/WIFI WebP/0.3.0":                                                                                                   {Browser: "QQ", System: "Android", Device: "mobile"},
		android + " T7/13.0 SP-engine/2.41.0 baiduboxapp/13.0.0.10 (Baidu; P1 10)":                                                                             {Browser: "Baidu", System: "Android", Device: "mobile"},
		android + " [Pinterest/Android]":                                                                                                                       {Browser: "Chrome", System: "Android", Device: "mobile"},
		ios + "Mobile/15E148 [LinkedInApp]/9.29":                                                                                                               {Browser: "LinkedIn App", System: "iOS", Device: "mobile"},
		ios + "Version/16.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15":                                                                                        {Browser: "DuckDuckGo", System: "iOS", Device: "mobile"},
		ios + "CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1":                                                                                                 {Browser: "Chrome", System: "iOS", Device: "mobile"},
		ios + "FxiOS/127.0 Mobile/15E148 Safari/605.1.15":                                                                                                      {Browser: "Firefox", System: "iOS", Device: "mobile"},
		windows + " Edg/126.0.0.0":                                                                                                                             {Browser: "Edge", System: "Windows", Device: "desktop"},
		windows + " OPR/111.0.0.0":                                                                                                                             {Browser: "Opera", System: "Windows", Device: "desktop"},
		"Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16":                                                              {Browser: "Opera Mini", System: "Android", Device: "mobile"},
		"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; .NET CLR 2.0.50727)":                                                                  {Browser: "Internet Explorer", System: "Windows", Device: "desktop"},
		"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko":                                                                                 {Browser: "Internet Explorer", System: "Windows", Device: "desktop"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":                                {Browser: "Safari", System: "macOS", Device: "desktop"}, // an iPad says the same
		"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1":                       {Browser: "Safari", System: "iOS", Device: "tablet"},
		"Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36":                                       {Browser: "Chrome", System: "Android", Device: "tablet"},
		"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36":   {Browser: "Samsung Browser", System: "Android", Device: "mobile"},
		"Mozilla/5.0 (Linux; U; Android 10; en-US; RMX1911) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/78.0 UCBrowser/13.4.0 Mobile Safari/537": {Browser: "UC Browser", System: "Android", Device: "mobile"},
	} {
		if got := classify(agent); got != want {
			t.Errorf("%q:\n got %+v\nwant %+v", agent, got, want)
		}
	}
	for _, agent := range []string{"Lynx/2.9.0 libwww-FM/2.14 SSL-MM/1.4.1", "w3m/0.5.3+git20230121", "Links (2.28; Linux x86_64; GNU C)"} {
		if got := classify(agent); got.Bot != "" {
			t.Errorf("%q: %+v", agent, got)
		}
	}
}

// TestCrawlersAreBots tries every example of the list of crawlers.
func TestCrawlersAreBots(t *testing.T) {
	n := 0
	for _, c := range crawlers.Crawlers {
		for _, agent := range c.Instances {
			n++
			if classify(agent).Bot == "" {
				t.Errorf("%q is taken for a person", agent)
			}
		}
	}
	if n < 500 {
		t.Errorf("%d examples", n)
	}
}

func TestFeedReadersAreAClassOfTheirOwn(t *testing.T) {
	for _, agent := range []string{
		"UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/", "Tiny Tiny RSS/21.05 (http://tt-rss.org/)", "Digg Feed Fetcher 1.0",
		"Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)", "Planet Ubuntu +http://planet.ubuntu.com",
		"Liferea/1.12.6 (Linux; https://lzone.de/liferea/)", "SimplePie/1.5.1 (http://simplepie.org)", "MagpieRSS/0.72 (+http://magpierss.sf.net)",
		"FreshRSS/1.20 (Linux; https://freshrss.org)", "NewsBlur Feed Fetcher", "Mozilla/5.0 (X11; U; Linux i686) Akregator/1.2",
		"Windows-RSS-Platform/2.0 (MSIE 9.0; Windows NT 6.1)", "Netvibes (http://www.netvibes.com)", "Google-Reader",
	} {
		if got := classify(agent); got.Bot != BotFeedReader {
			t.Errorf("%q: %+v", agent, got)
		}
	}
}
