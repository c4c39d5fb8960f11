package declared

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/yamlfile"
	"github.com/beforehand-go/beforehand/report"
)

// Source is where a result comes from: exactly one of a query, a command and a
// URL.
type Source struct {
	SQL string   `yaml:"sql" help:"a query of the database; the first column names its rows where a chart is drawn"`
	Run []string `yaml:"run" help:"a command and its arguments, such as [python3, manage.py, top_stat]; no shell is between"`
	Dir string   `yaml:"dir" help:"directory that the command runs in; that of the configuration unless given"`
	URL string   `yaml:"url" help:"a URL that is fetched"`
}

// Config is a report that is declared.
type Config struct {
	Name    string `yaml:"name,required" help:"the report's name, for ever: it names the job and its URLs"`
	Title   string `yaml:"title" help:"its name for people"`
	Source  `yaml:"-"`
	Counts  `yaml:"-"`
	Format  string   `yaml:"format" help:"what a command or a URL gives: json, csv, html, svg or png; told by the result unless given"`
	Chart   string   `yaml:"chart" help:"how it is drawn as SVG and PNG: bars, lines, rows (horizontal bars), spark, or table, which draws nothing. Unless given a report on pageviews has what fits, another table"`
	Formats []string `yaml:"formats" help:"which are kept and published, of json, csv, html, md, svg and png; all there are unless given"`
	Rows    int      `yaml:"rows" help:"how many rows the result of a query, a command or a URL may have; 10000 unless given"`
}

const (
	defaultRows = 10_000
	maxRows     = 1_000_000
	maxOutput   = 16 << 20 // bytes of a result
)

// Formats are those that a command or a URL may give.
var Formats = []string{"json", "csv", "html", "svg", "png"}

// Check refuses what cannot be made.
func (c *Config) Check() error {
	if c.Name == "pageviews" || c.Name == "hot" || c.Name == "articles" || c.Name == "stats" || c.Name == "collect" || c.Name == "dashboard" || c.Name == "page" ||
		c.Name == "" || strings.ContainsAny(c.Name, "/.\\?*@\x00 ") {
		return yamlfile.At("name", fmt.Errorf("%q cannot be the name of a report: use a word of its own, without any of / . \\ ? * @", c.Name))
	}
	if c.Format != "" && !slices.Contains(Formats, c.Format) {
		return yamlfile.At("format", fmt.Errorf("unknown format %q; allowed are %s", c.Format, strings.Join(Formats, ", ")))
	}
	if c.Format != "" && c.SQL != "" {
		return yamlfile.At("format", errors.New("a query gives rows; its formats are json, csv, html and, with a chart, svg"))
	}
	if c.Chart != "" && !slices.Contains(Charts, c.Chart) {
		return yamlfile.At("chart", fmt.Errorf("unknown chart %q; allowed are %s", c.Chart, strings.Join(Charts, ", ")))
	}
	if err := c.checkFormats(); err != nil {
		return yamlfile.At("formats", err)
	}
	if c.Rows < 0 || c.Rows > maxRows {
		return yamlfile.At("rows", fmt.Errorf("%d: allowed are 1 to %d", c.Rows, maxRows))
	}
	if len(c.By) == 0 {
		if name := c.Counts.given(); name != "" {
			return yamlfile.At(name, errors.New("it is for a report on the site's pageviews: say by what they are counted with the key by"))
		}
		return c.Source.Check()
	}
	if c.Source.given() > 0 || c.Format != "" || c.Rows != 0 {
		return yamlfile.At("by", errors.New("it makes a report on the site's pageviews, for which there is no sql, run, url, format or rows"))
	}
	return c.check()
}

// allFormats are those that a report can have.
var allFormats = []string{"json", "csv", "html", "md", "svg", "png"}

func (c *Config) checkFormats() error {
	for i, f := range c.Formats {
		if !slices.Contains(allFormats, f) {
			return fmt.Errorf("unknown format %q; allowed are %s", f, strings.Join(allFormats, ", "))
		}
		if slices.Contains(c.Formats[:i], f) {
			return fmt.Errorf("%s is in it twice", f)
		}
		if (f == "svg" || f == "png") && c.kind() == "table" && c.Format != f && len(c.Run) == 0 && c.URL == "" {
			return fmt.Errorf("%s needs a chart: choose one of %s", f, strings.Join(Charts[:len(Charts)-1], ", "))
		}
	}
	return nil
}

// OnPageviews tells whether the report is on the site's own pageviews.
func (c *Config) OnPageviews() bool { return len(c.By) > 0 }

// wants tells whether a format is to be made.
func (c *Config) wants(format string) bool {
	return len(c.Formats) == 0 || slices.Contains(c.Formats, format)
}

// Definition changes when the result may.
func (c *Config) Definition() string {
	n := *c
	n.Period, n.Dir = report.Period{}, ""
	return fmt.Sprintf("%+v %s", n, c.period())
}

func (c *Config) title() string { return cmp.Or(c.Title, c.Name) }

// Check refuses what is none, or more than one.
func (s *Source) Check() error {
	if s.given() != 1 {
		return errors.New("give one of sql, run and url")
	}
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return yamlfile.At("url", fmt.Errorf("%q is no URL that can be fetched", s.URL))
		}
	}
	if len(s.Run) > 0 && s.Run[0] == "" {
		return yamlfile.At("run", errors.New("the command has no name"))
	}
	return nil
}

func (s *Source) given() (n int) {
	for _, is := range []bool{s.SQL != "", len(s.Run) > 0, s.URL != ""} {
		if is {
			n++
		}
	}
	return n
}

// Ready tells whether the command is there.
func (s *Source) Ready() error {
	if len(s.Run) == 0 || strings.Contains(s.Run[0], "/") { // relative to Dir: known when it runs
		return nil
	}
	_, err := exec.LookPath(s.Run[0])
	return err
}

func (c *Config) rows() int { return cmp.Or(c.Rows, defaultRows) }

// defaultTimeout bounds a command and a request.
const defaultTimeout = time.Minute
