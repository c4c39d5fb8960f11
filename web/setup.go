package web

import (
	"cmp"
	"html/template"
	"io"
	"net/url"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
)

// SetupPath is where the pages are that tell how a site is counted, and whether
// it is: SetupPath/SITE.
const SetupPath = "/setup"

// Setup is everything that such a page shows.
type Setup struct {
	Language language.Language
	Nav      Navigation
	Now      time.Time
	Zone     *time.Location
	Site     string
	Title    string // of the site, for people
	Base     string // where pages reach the server
	BadBase  string // what was given for it and is no such address; zero: nothing was
	Guessed  bool   // nobody said it: it is where the reader came from

	Script, Pinned, Picture string // elements to paste
	Log                     string // command that reads an access log

	Page     string    // address of the page to look at; zero: none is known
	Looked   []Finding // what looking at it found; nil: nobody looked yet
	Reader   []Finding // what is to be known of whoever reads the page
	Arrivals []Arrival // what came in over HTTP, the latest first
	Last     time.Time // the site's newest pageview by whatever way; zero: there is none
	Sources  []Source  // pageviews of today and yesterday by their way; only where somebody looked
}

// Arrival is what came in of one kind.
type Arrival struct {
	Source string
	Left   string // why it was left out; zero: it was counted
	Bot    string // why it is no person's; zero: it is
	Host   string // of the page, where no site takes it
	At     time.Time
	Count  int64
}

// Source is how many pageviews came in by a way.
type Source struct {
	Name      string
	Pageviews int64
	Uncounted bool // another way counts on some of the days
}

// Finding is one thing that looking found, by what to say of it.
type Finding struct {
	Kind FindingKind
	Args []string
}

// FindingKind is what can be found.
type FindingKind int

// The findings. Behind each are its arguments.
const (
	PageUnreachable  FindingKind = iota // why
	PagePrivate                         // host
	PageStatus                          // address, status
	PageNoHTML                          // type
	PageMoved                           // address it leads to
	PageOtherHost                       // host, hosts of the site
	PageLocal                           // host
	PageNotCounted                      // path
	ElementMissing                      // name of the script
	ElementFound                        // address
	PictureFound                        // address
	BusuanziFound                       // address
	ElementNoScript                     // address
	ElementOff                          //
	ElementManual                       //
	ElementOtherSite                    // site it names, this site
	ElementTwice                        //
	ElementMixed                        // address
	AddressOurs                         // host
	AddressAnswers                      // host
	AddressWrong                        // address, status
	AddressUnknown                      // address, why
	IntegrityWrong                      // what it should be
	PolicyScript                        // directive
	PolicyConnect                       // directive
	PolicyPicture                       // directive
	PolicyFine                          //
	PolicyNone                          //
	ReaderExcluded                      // address
	ReaderNoTrack                       //
	ReaderBot                           // why
)

// told is a finding as the page says it.
type told struct {
	State string // good, bad, warn or note: its style
	Text  template.HTML
	Do    template.HTML // what to do; zero: nothing
}

// saying is the style of a finding and the names of its sentences.
type saying struct{ state, text, do string }

func (k FindingKind) saying() saying {
	return [...]saying{
		PageUnreachable:  {"bad", "page_unreachable", "page_unreachable_do"},
		PagePrivate:      {"bad", "page_private", "page_private_do"},
		PageStatus:       {"bad", "page_status", "page_status_do"},
		PageNoHTML:       {"bad", "page_no_html", ""},
		PageMoved:        {"note", "page_moved", ""},
		PageOtherHost:    {"bad", "page_other_host", "page_other_host_do"},
		PageLocal:        {"warn", "page_local", "page_local_do"},
		PageNotCounted:   {"bad", "page_not_counted", "page_not_counted_do"},
		ElementMissing:   {"bad", "element_missing", "element_missing_do"},
		ElementFound:     {"good", "element_found", ""},
		PictureFound:     {"good", "picture_found", ""},
		BusuanziFound:    {"good", "busuanzi_found", ""},
		ElementNoScript:  {"warn", "element_noscript", "element_noscript_do"},
		ElementOff:       {"bad", "element_off", "element_off_do"},
		ElementManual:    {"warn", "element_manual", "element_manual_do"},
		ElementOtherSite: {"bad", "element_other_site", "element_other_site_do"},
		ElementTwice:     {"warn", "element_twice", "element_twice_do"},
		ElementMixed:     {"bad", "element_mixed", "element_mixed_do"},
		AddressOurs:      {"good", "address_ours", ""},
		AddressAnswers:   {"good", "address_answers", ""},
		AddressWrong:     {"bad", "address_wrong", "address_wrong_do"},
		AddressUnknown:   {"warn", "address_unknown", "address_unknown_do"},
		IntegrityWrong:   {"bad", "integrity_wrong", "integrity_wrong_do"},
		PolicyScript:     {"bad", "policy_script", "policy_script_do"},
		PolicyConnect:    {"bad", "policy_connect", "policy_connect_do"},
		PolicyPicture:    {"bad", "policy_picture", "policy_picture_do"},
		PolicyFine:       {"good", "policy_fine", ""},
		PolicyNone:       {"good", "policy_none", ""},
		ReaderExcluded:   {"warn", "reader_excluded", "reader_excluded_do"},
		ReaderNoTrack:    {"warn", "reader_no_track", "reader_no_track_do"},
		ReaderBot:        {"warn", "reader_bot", "reader_bot_do"},
	}[k]
}

// SetupURL is the page of a site.
func SetupURL(site string, l language.Language) string {
	return SetupPath + "/" + url.PathEscape(site) + "?lang=" + l.String()
}

// WriteSetup writes the page.
func WriteSetup(w io.Writer, s Setup) error {
	return execute(w, "setup.html", &setupView{Setup: s, pen: newPen(s.Language, s.Now, s.Zone)})
}

// setupView is what its template sees.
type setupView struct {
	Setup
	pen
}

func (v *setupView) Top() top { return top{v.pen, v.Nav} }

// Tell is findings as the page says them.
func (v *setupView) Tell(findings []Finding) ([]told, error) {
	var all []told
	for _, f := range findings {
		s := f.Kind.saying()
		args := make([]any, len(f.Args))
		for i, a := range f.Args {
			args[i] = template.HTML("<bdi>" + template.HTMLEscapeString(a) + "</bdi>")
		}
		t := told{State: s.state}
		var err error
		if t.Text, err = v.words.say(s.text, args...); err != nil {
			return nil, err
		}
		if s.do != "" {
			if t.Do, err = v.words.say(s.do); err != nil {
				return nil, err
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// LeftWord is why something was left out, in words; its own name where there is
// none.
func (v *setupView) LeftWord(a Arrival) string {
	return cmp.Or(map[string]string{
		"unknown_site": v.words["left_unknown_site"], "other_host": v.words["left_other_host"], "excluded": v.words["left_excluded"],
		"static_file": v.words["left_static_file"], "not_a_page": v.words["left_not_a_page"],
	}[a.Left], a.Left)
}

// Recent tells whether something came in the last minutes.
func (v *setupView) Recent(t time.Time) bool { return !t.IsZero() && v.Now.Sub(t) < recently }

// recently is how long ago something may be that still shows that the site is
// counted now.
const recently = 5 * time.Minute

// Counted tells whether a pageview of the script, the picture or busuanzi was
// counted in the last minutes.
func (v *setupView) Counted() bool {
	for _, a := range v.Arrivals {
		if a.Left == "" && a.Bot == "" && v.Recent(a.At) {
			return true
		}
	}
	return false
}

// WidgetsURL is the gallery of the site.
func (v *setupView) WidgetsURL() string {
	return WidgetsPath + "/" + url.PathEscape(v.Site) + "?lang=" + v.Lang.String()
}
