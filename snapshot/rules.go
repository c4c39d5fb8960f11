package snapshot

import "time"

// Rules are the headers a report's owner decides on. The zero value suits a
// public result read by its own site.
type Rules struct {
	// Origins are the sites whose scripts may read the result, such as
	// "https://example.com"; "*" means all. Empty means the own site only.
	Origins []string
	// Private keeps the result out of caches that readers share, for
	// results behind a login.
	Private bool
	// MaxAge is the longest a copy may be used without asking again, for
	// results that may be computed anew before they are due. Zero sets no
	// such bound.
	MaxAge time.Duration
	// Vary names further headers of a request that decide on what is served,
	// such as "Accept-Language" where there is a snapshot for each language.
	Vary []string
	// Policies are Content-Security-Policy values by format, in place of
	// the default one for html and svg, which allows styles and pictures
	// and no script. An empty value sends no such header.
	Policies map[string]string
	// Tally counts the GET requests that are answered with the result, or
	// with its being unchanged; nil counts none.
	Tally *Tally
}

const strictPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; font-src data:; base-uri 'none'; form-action 'none'"

func (r Rules) policy(format string) string {
	if p, ok := r.Policies[format]; ok {
		return p
	}
	if format == "html" || format == "svg" {
		return strictPolicy
	}
	return ""
}

// everyone tells whether all origins may read.
func (r Rules) everyone() bool {
	return len(r.Origins) == 1 && r.Origins[0] == "*"
}
