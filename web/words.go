package web

import (
	"fmt"
	"html/template"
)

// words are the sentences of one language by name. %s stands for what is put
// in; where another language needs another order it writes %[2]s.
type words map[string]string

// english is the catalogue of every sentence the pages say.
var english = words{
	"lang": "en",

	"page_title":      "%s · beforehand",
	"page_title_live": "%s, computed live · beforehand",
	"skip":            "Skip to the content",
	"rendered":        "Page of %s",
	"since":           "%s to %s",

	"total_pageviews": "pageviews",
	"total_visitors":  "visitors, summed by day",
	"total_pages":     "pages",

	"as_of":       "as of %s",
	"next":        "next %s",
	"took":        "took %s",
	"just_now":    "computed for you just now",
	"never":       "Not computed yet.",
	"never_next":  "Not computed yet; the first result is due %s.",
	"stale":       "Stale",
	"stale_why":   "No newer result: %s.",
	"stale_plain": "A newer result is overdue.",

	"chart_heading":     "Pageviews",
	"chart_title":       "Pageviews by page over time",
	"chart_description": "Stacked bars of %s pageviews from %s to %s.",
	"chart_other":       "other pages",
	"chart_empty":       "Nothing to draw yet",
	"chart_table":       "The same numbers as a table",
	"chart_period":      "period",
	"chart_total":       "all",
	"as_json":           "JSON",
	"as_svg":            "SVG",
	"formats":           "%s as a file:",

	"hot_heading":   "Hot articles",
	"hot_score":     "In order of score, which the bars show: newer pageviews count more.",
	"hot_empty":     "No article is hot yet.",
	"hot_pageviews": "%s pageviews",
	"hot_visitors":  "%s visitors",
	"hot_new":       "new",
	"hot_up":        "up %s",
	"hot_down":      "down %s",
	"hot_same":      "unchanged",
	"hot_lists":     "More lists:",

	"compare_heading":   "Feel the difference",
	"compare_intro":     "Two pages with the same content. One is computed while you wait, the other was computed beforehand.",
	"slow_name":         "The slow page",
	"slow_how":          "computed for each reader, from every pageview",
	"slow_open":         "Open the slow page",
	"slow_here":         "You are on the slow page",
	"instant_name":      "The instant page",
	"instant_how":       "computed beforehand, read by everyone",
	"instant_open":      "Open the instant page",
	"instant_here":      "You are on the instant page",
	"compare_table":     "Time to compute each report against the time its reader waits",
	"compare_report":    "report",
	"compare_live":      "computed live",
	"compare_wait":      "reader waits",
	"compare_ratio":     "factor",
	"compare_times":     "%s×",
	"compare_unknown":   "not measured yet",
	"felt":              "Measured in your browser: this page arrived after {}.",
	"live_waited":       "You waited %s.",
	"live_explain":      "Every number below was computed from the raw pageviews for you alone. The next reader waits just as long.",
	"waiting_heading":   "The first result is on its way",
	"waiting_explain":   "The chart and the hot list are being computed for the first time. From then on nobody waits for them.",
	"waiting_again":     "Look again",
	"empty_heading":     "No pageviews yet",
	"empty_explain":     "Give beforehand an access log of your web server. The chart and the hot list are here after the next refresh.",
	"empty_due":         "The next refresh is due %s.",
	"empty_formats":     "It reads nginx's and Apache's combined format, plain or gzip. The same file twice counts once.",
	"footer_zone":       "Times are those of %s.",
	"footer_beforehand": "Nobody waited for this page: it was computed beforehand.",
	"footer_live":       "This page was computed while you waited.",
}

// say puts args into the sentence name. Strings are escaped, HTML is taken as
// it is.
func (w words) say(name string, args ...any) (template.HTML, error) {
	sentence, ok := w[name]
	if !ok {
		return "", fmt.Errorf("say %q: the catalogue has no such sentence", name)
	}
	for i, a := range args {
		if _, safe := a.(template.HTML); !safe {
			args[i] = template.HTMLEscaper(a)
		}
	}
	if len(args) == 0 {
		return template.HTML(template.HTMLEscapeString(sentence)), nil
	}
	return template.HTML(fmt.Sprintf(template.HTMLEscapeString(sentence), args...)), nil
}
