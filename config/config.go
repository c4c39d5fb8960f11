package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/internal/yamlfile"
	"github.com/beforehand-go/beforehand/listen"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/tables"
)

// FileName is the name of the file in a data directory.
const FileName = "beforehand.yaml"

// File is what the file says.
type File struct {
	Listen       listen.Address      `yaml:"listen" help:"host:port to serve on, or unix:PATH for a socket; localhost:8080 unless given"`
	Mode         listen.Mode         `yaml:"socket_mode" help:"who may connect to a socket, as chmod has it; 0660 unless given"`
	URL          Address             `yaml:"url" help:"where readers reach this server, such as https://stats.example.org: begins links in mails, invitations and share links, and what is pasted into pages. Unless given, mails have no links, and the others begin with the address that their reader came by"`
	TLS          TLS                 `yaml:"tls" help:"certificates, so that readers come by https; without them by http"`
	Language     language.Language   `yaml:"language" help:"language of the pages and pictures for who asks for none: en or zh; en unless given"`
	TrustMachine bool                `yaml:"trust_machine" help:"whether whoever sits at this machine may see and do everything without signing in, also once there are users; only until then unless given"`
	Publish      string              `yaml:"publish" help:"directory to write the reports to after each refresh"`
	Script       string              `yaml:"script" help:"name of the script and the picture in URLs, so that /NAME.js is the script; b unless given"`
	Proxies      Proxies             `yaml:"proxies" help:"proxies in front of the server"`
	Countries    string              `yaml:"countries" help:"file of countries in MaxMind's format (.mmdb); the table in the program unless given"`
	Font         string              `yaml:"font" help:"file of a font (.ttf, .otf, .ttc) for what PNG pictures must write besides Latin, Greek and Cyrillic letters; one with Chinese is looked for unless given"`
	Machines     string              `yaml:"data_centres" help:"file of ranges of addresses, one a line, in which no person sits"`
	Calendars    map[string]string   `yaml:"calendars" help:"iCalendar files by the names that triggers use, such as holidays"`
	State        Secret              `yaml:"state" help:"where the state is kept: postgres://USER:PASSWORD@HOST/NAME, which several replicas may share; ${NAME} stands for a variable of the environment. SQLite in the data directory unless given"`
	Pageviews    Secret              `yaml:"pageviews" help:"where the pageviews are kept: clickhouse://USER:PASSWORD@HOST:9000/NAME, with ?cluster=, &quorum= and &spool= where wanted, see docs/scaling.md; DuckDB in the data directory unless given"`
	Key          string              `yaml:"key" help:"file of the secret that seals the salts of visitors, the same for all replicas; the one in the data directory unless given"`
	Databases    map[string]Database `yaml:"databases" help:"the databases of sites, by the names that tables use"`
	Mail         Mail                `yaml:"mail" help:"the mail server that weekly reports and alerts go through"`
	Webhooks     map[string]Webhook  `yaml:"webhooks" help:"URLs that weekly reports and alerts are posted to, by the names that they are called by"`
	Alerts       ServerAlerts        `yaml:"alerts" help:"who is told what goes wrong with the server, and with sites that have no alerts of their own"`
	Sites        []Site              `yaml:"sites" help:"the sites that are counted; without any, one that is called default"`

	dir string // the file's own directory
}

// Site is what the file says of a site.
type Site struct {
	Name      string         `yaml:"name,required" help:"its name in URLs: letters, digits, - and _"`
	Title     string         `yaml:"title" help:"its name for people"`
	Zone      Zone           `yaml:"zone" help:"time zone of its days, such as Europe/London; this machine's unless given. It cannot be changed once there are pageviews"`
	Hosts     []Host         `yaml:"hosts" help:"host names that are the site's; every host unless given"`
	URL       Address        `yaml:"url" help:"where its pages are, such as https://example.com: makes links of the pages on lists"`
	Articles  string         `yaml:"articles" help:"pattern of the paths on the hot list, such as /posts/*; every page unless given"`
	Trigger   Trigger        `yaml:"trigger" help:"when the reports are computed, by the clock of the site's zone; every 1h unless given"`
	Sources   [][]Source     `yaml:"sources" help:"which ways in count where several tell of one day: the first group that has a pageview. script, pixel, busuanzi and api; middleware; log; table; counter; export unless given"`
	Exclude   Exclude        `yaml:"exclude" help:"whose pageviews do not count"`
	Paths     Paths          `yaml:"paths" help:"how the paths of pages are written, so that one page has one path"`
	Internal  []Host         `yaml:"internal" help:"hosts that are no referrers, such as where visitors pay"`
	Spam      []Host         `yaml:"spam" help:"hosts that send themselves as referrers, besides those that are known"`
	Rate      Rate           `yaml:"rate" help:"how many pageviews of a visitor in how long are too many for a person, such as 100 in 1m; with more, all of the visitor's that day are a bot's. Any number is a person's unless given"`
	Logs      []string       `yaml:"logs" help:"access logs that a server follows while they are written and rotated"`
	LogFormat LogFormat      `yaml:"log_format" help:"their format, where the first lines do not tell it: a name, or a format string of nginx or Apache"`
	Tables    []Table        `yaml:"tables" help:"tables of the site's own database that pageviews are read from"`
	Reports   []Report       `yaml:"reports" help:"reports of the site's own: on its pageviews, or by a query, a command or a URL. One with the name of a standard report takes its place"`
	Standard  []StandardName `yaml:"standard" help:"which standard reports there are besides pageviews and hot: of hours, days, months, pages, entries, referrers, campaigns, browsers, systems, devices, countries, languages, bots and spark; all unless given, none with []"`
	Fresh     *Duration      `yaml:"fresh" help:"how old the reports on pageviews that have no trigger of their own may get while somebody looks at them; 1m unless given. 0s leaves it to the trigger"`
	Lists     []List         `yaml:"lists" help:"hot lists, any number of them"`
	Learn     *Learn         `yaml:"learn" help:"titles, pictures and times of publication are read from the site itself, politely; they are not unless this is given"`
	Jobs      []Job          `yaml:"jobs" help:"commands and URLs that are carried out without a report"`

	Frames      []Origin `yaml:"frames" help:"origins whose pages may show the site's hot lists in frames, such as https://example.com or https://*.example.com; every one unless given"`
	Weekly      *Weekly  `yaml:"weekly" help:"who is told of the site's week; nobody unless given"`
	Alerts      *Alerts  `yaml:"alerts" help:"who is told what goes wrong with the site; those of the server unless given"`
	Retention   Duration `yaml:"retention" help:"how long single pageviews are kept, such as 730d, at least 2d; for ever unless given. What they add up to by day and by one dimension is kept all the same"`
	PublicStats bool     `yaml:"public_stats" help:"whether everybody may ask for the site's numbers, not only users with a role, share links and tokens of scope stats:read"`
}

// Table is what the file says of a table that pageviews are read from.
type Table struct {
	Database string  `yaml:"database,required" help:"name of the database it is in, as databases has it"`
	Trigger  Trigger `yaml:"trigger" help:"when it is read; every 5m unless given"`
	tables.Config
}

// Database is what the file says of a database.
type Database struct {
	URL     Secret   `yaml:"url,required" help:"sqlite:PATH, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST:3306/NAME; ${NAME} stands for a variable of the environment"`
	Timeout Duration `yaml:"timeout" help:"how long one query may take; 30s unless given"`
}

// TLS is what the file says of certificates. ACME and files go not together.
type TLS struct {
	Certificate string         `yaml:"certificate" help:"file of a certificate with its chain, as PEM; read again when it changes"`
	Key         string         `yaml:"key" help:"file of its key, as PEM"`
	ACME        ACME           `yaml:"acme" help:"certificates from an authority, in place of files"`
	Redirect    listen.Address `yaml:"redirect" help:"host:port, such as :80, where readers who come by http are led to https, and the authority looks; none unless given"`
	Strict      Duration       `yaml:"hsts" help:"for how long browsers that came by https come by nothing else, such as 365d; they are not told unless given"`
}

// ACME is what the file says of an authority of certificates.
type ACME struct {
	Hosts     []Host  `yaml:"hosts" help:"names of this server; naming them accepts the authority's terms"`
	Email     string  `yaml:"email" help:"where the authority writes to"`
	Directory Address `yaml:"directory" help:"the authority's URL; Let's Encrypt unless given"`
	Roots     string  `yaml:"roots" help:"file of certificates (PEM) by which the authority itself is trusted; the system's unless given"`
}

// Check refuses what cannot be together.
func (t *TLS) Check() error {
	switch files := t.Certificate != "" || t.Key != ""; {
	case (t.Certificate == "") != (t.Key == ""):
		return yamlfile.At("certificate", errors.New("a certificate and its key belong together: give both"))
	case files && len(t.ACME.Hosts) > 0:
		return yamlfile.At("acme", errors.New("certificates come from files or from an authority, not from both"))
	case !files && len(t.ACME.Hosts) == 0 && (t.Redirect != "" || t.Strict != 0):
		return yamlfile.At("redirect", errors.New("there is no https without a certificate: give certificate and key, or hosts of acme"))
	case t.Redirect.Socket() != "":
		return yamlfile.At("redirect", errors.New("readers do not come by http to a socket: give host:port"))
	}
	return nil
}

// On tells whether readers come by https.
func (t *TLS) On() bool { return t.Certificate != "" || len(t.ACME.Hosts) > 0 }

// Proxies is what the file says of proxies in front of the server.
type Proxies struct {
	Trusted []Network `yaml:"trusted" help:"addresses or ranges of proxies that tell who asked; none unless given"`
	Header  string    `yaml:"header" help:"the header in which they tell it; the first that is there of X-Forwarded-For, Forwarded and CF-Connecting-IP unless given"`
}

// Paths is what the file says of how paths are written.
type Paths struct {
	Query   []string  `yaml:"query" help:"parameters that tell pages apart and stay in the path; the others are dropped"`
	Index   []string  `yaml:"index" help:"names of index pages that are taken off, such as index.html"`
	Lower   bool      `yaml:"lower" help:"true writes paths in lower case"`
	Slash   Slash     `yaml:"slash" help:"keep, add or remove a slash at the end; keep unless given"`
	Rewrite []Rewrite `yaml:"rewrite" help:"rules of your own, one after the other"`
}

// Rewrite is what the file says of a rule.
type Rewrite struct {
	From Pattern `yaml:"from,required" help:"regular expression (RE2) on the path"`
	To   string  `yaml:"to" help:"what the match becomes, $1 being its first group; pages are left out unless given"`
}

// Exclude is what the file says of pageviews that do not count.
type Exclude struct {
	Addresses []Network `yaml:"addresses" help:"addresses or ranges, such as 192.0.2.0/24"`
	Header    string    `yaml:"header" help:"a header that marks requests, as NAME or NAME: VALUE; access logs do not tell it"`
}

// Load reads a file. Names of files in it are relative to its own directory.
func Load(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, text)
}

// Parse reads the text of a file; path names it in errors.
func Parse(path string, text []byte) (*File, error) {
	f := &File{dir: filepath.Dir(path)}
	if err := yamlfile.Decode(path, text, f); err != nil {
		return nil, err
	}
	return f, nil
}

// Path is a file that the configuration names, relative to its directory.
func (f *File) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}

// Database is where a database is. The path of one in a file is relative to
// the configuration's directory.
func (f *File) Database(name string) (database.Config, error) {
	d := f.Databases[name]
	url, err := d.URL.Expand()
	if err != nil {
		return database.Config{}, fmt.Errorf("database %s: %w", name, err)
	}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		url = "sqlite:" + f.Path(path)
	}
	return database.Config{URL: url, Timeout: time.Duration(d.Timeout)}, nil
}

// CalendarFiles are the iCalendar files by the names that triggers use.
func (f *File) CalendarFiles() map[string]string {
	files := map[string]string{}
	for name, path := range f.Calendars {
		files[name] = f.Path(path)
	}
	return files
}

// Reference is a table in Markdown of every key.
func Reference() (string, error) { return yamlfile.Reference(File{}) }

// Take adds a site, unless it cannot be together with the others.
func (f *File) Take(s Site) error {
	before := f.Sites
	f.Sites = append(slices.Clip(before), s)
	_, err := yamlfile.KeyOf(f.Check())
	if err != nil {
		f.Sites = before
	}
	return err
}

// Check refuses what cannot be together.
func (f *File) Check() error {
	if err := f.checkTold(); err != nil {
		return err
	}
	names, hosts := map[string]bool{}, map[Host]string{}
	for _, s := range f.Sites {
		if names[s.Name] {
			return yamlfile.At("sites", fmt.Errorf("two sites are called %q", s.Name))
		}
		names[s.Name] = true
		for _, t := range s.Tables {
			if _, ok := f.Databases[t.Database]; !ok {
				return yamlfile.At("sites", fmt.Errorf("table %s of site %s: databases has no %q", t.Name, s.Name, t.Database))
			}
		}
		own := map[string]bool{}
		for _, r := range s.Reports {
			if _, ok := f.Databases[r.Database]; r.Database != "" && !ok {
				return yamlfile.At("sites", fmt.Errorf("report %s of site %s: databases has no %q", r.Name, s.Name, r.Database))
			}
			if own[r.Name] {
				return yamlfile.At("sites", fmt.Errorf("two reports of site %s are called %q", s.Name, r.Name))
			}
			own[r.Name] = true
		}
		for _, h := range s.Hosts {
			if other, ok := hosts[h]; ok {
				return yamlfile.At("sites", fmt.Errorf("the host %s is of both %s and %s", h, other, s.Name))
			}
			hosts[h] = s.Name
		}
	}
	return nil
}

// Check refuses a site that cannot be served.
func (s *Site) Check() error {
	if err := CheckName(s.Name); err != nil {
		return yamlfile.At("name", err)
	}
	if slices.Contains(collect.JobKinds(), s.Name) {
		return yamlfile.At("name", fmt.Errorf("a site cannot be called %q: names of jobs begin with it", s.Name))
	}
	if s.Retention != 0 && s.Retention < Duration(48*time.Hour) {
		return yamlfile.At("retention", errors.New("a pageview is kept for 2d at least"))
	}
	if err := s.checkLists(); err != nil {
		return err
	}
	seen := map[Source]bool{}
	for _, group := range s.Sources {
		for _, source := range group {
			if seen[source] {
				return yamlfile.At("sources", fmt.Errorf("%s is in it twice", pageview.Source(source)))
			}
			seen[source] = true
		}
		if len(group) == 0 {
			return yamlfile.At("sources", errors.New("a group is empty"))
		}
	}
	return nil
}

// Precedence is which of the site's sources count; empty means the default.
func (s *Site) Precedence() pageview.Precedence {
	var p pageview.Precedence
	for _, group := range s.Sources {
		var sources []pageview.Source
		for _, source := range group {
			sources = append(sources, pageview.Source(source))
		}
		p = append(p, sources)
	}
	return p
}

// Collect is what the ways in must know of the site. Its zone is left to the
// store, which keeps the one that the site began with.
func (s *Site) Collect() *collect.Site {
	site := &collect.Site{Name: s.Name}
	for _, h := range s.Hosts {
		site.Hosts = append(site.Hosts, string(h))
	}
	for _, h := range s.Internal {
		site.Internal = append(site.Internal, string(h))
	}
	for _, h := range s.Spam {
		site.Spam = append(site.Spam, string(h))
	}
	site.Paths = collect.PathRules{Query: s.Paths.Query, Index: s.Paths.Index, Lower: s.Paths.Lower, Slash: collect.Slash(s.Paths.Slash)}
	for _, r := range s.Paths.Rewrite {
		site.Paths.Rewrite = append(site.Paths.Rewrite, collect.Rewrite{From: r.From.Regexp, To: r.To})
	}
	site.Exclude.Header = s.Exclude.Header
	for _, n := range s.Exclude.Addresses {
		site.Exclude.Addrs = append(site.Exclude.Addrs, n.Prefix)
	}
	return site
}
