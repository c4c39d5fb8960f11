package collect

import (
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Seen is a page as one way in saw it, before anything is cleaned. A field
// that the way in cannot tell is empty.
type Seen struct {
	At       time.Time
	Host     string // host the page was asked of; it may have a port
	URL      string // the page's path, or its whole address; with its query
	Title    string
	Referrer string // address the visitor came from
	Addr     string // address or host name of the visitor
	Agent    string // user agent
	NoAgent  bool   // the way in never tells the agent, so that a missing one says nothing
	Told     Agent  // what the way in tells in place of the agent; used with NoAgent
	Language string // as in Accept-Language
	Country  string // two letters; empty means that the address tells it
	Zone     string // of the visitor's clock, such as "Europe/Paris"; tells the country where nothing else does
	Width    int    // of the visitor's screen in CSS pixels; tells the device where nothing else does
	Visitor  string // what the sender knows the visitor by, in place of address and agent
	NoPerson string // reason of a bot verdict that the way in has come to itself
	Source   pageview.Source
}

// Reasons why what was seen is no pageview of the site. They are stable words
// for summaries and answers.
const (
	LeftNotAPage  = "not_a_page"  // no request of HTTP, or none for a path
	LeftMethod    = "method"      // in a log: not asked with GET
	LeftStatus    = "status"      // in a log: not answered 200 or 304
	LeftStatic    = "static_file" // its path ends like a file that is no page
	LeftOtherHost = "other_host"  // of a host that is not the site's
	LeftExcluded  = "excluded"    // left out by a rule of the site
	LeftTime      = "time"        // before 1995, or in the future
)
