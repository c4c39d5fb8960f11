package collect

import "strings"

// Kinds of jobs of a site that are no reports. Such a job is called KIND/SITE, or
// KIND/SITE/NAME where a site may have several. A site cannot be called as a kind.
const (
	JobCollect = "collect" // reads a table of the site's own
	JobOwn     = "job"     // is of the site's configuration
	JobRetain  = "retain"  // deletes old pageviews
	JobWeekly  = "weekly"  // tells of the week
)

// JobKinds lists the kinds.
func JobKinds() []string { return []string{JobCollect, JobOwn, JobRetain, JobWeekly} }

// JobName is the name of a job of a site.
func JobName(kind string, of ...string) string {
	return kind + "/" + strings.Join(of, "/")
}

// JobsOf tells which jobs are a site's: those of its reports, SITE/REPORT, and those
// of each kind. Names are whole, and what begins with the others is a site's too.
func JobsOf(site string) (names, begins []string) {
	begins = []string{site + "/"}
	for _, kind := range JobKinds() {
		names = append(names, JobName(kind, site))
		begins = append(begins, JobName(kind, site)+"/")
	}
	return names, begins
}
