package tables

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/pageview"
)

// Config says which table is read, and what its columns mean.
type Config struct {
	// Name is the source's own for ever: it names the job, and how far the
	// table was read.
	Name string `yaml:"name,required" help:"its own name for ever: it names the job, and how far the table was read"`
	// Table may have a schema before it, as in "public.visits".
	Table string `yaml:"table,required" help:"the table or view, such as visits or public.visits"`
	// Key is the column that grows from row to row, such as "id". Where no
	// number grows it is two: "created_at, id". A table of totals has none.
	Key     string  `yaml:"key" help:"the column that grows from row to row, such as id, or two, such as created_at, id; none for a table of totals"`
	Columns Columns `yaml:"columns,required" help:"where each part of a pageview is found: a column, a text with columns in braces such as /posts/{slug}/, or a constant such as =example.org"`
	// Time says how the column At is to be read: unix, unix_ms, unix_us, or
	// a layout of Go's package time. Empty means what is common.
	Time string `yaml:"time" help:"how the column at is to be read: unix, unix_ms, unix_us or a layout such as 2006-01-02 15:04:05; what is common unless given"`
	// Zone is that of dates without one; empty means UTC.
	Zone string `yaml:"zone" help:"time zone of dates without one; UTC unless given"`
	// Since is the local day at which the first reading of a table of
	// totals puts what it finds, such as 2024-01-01; empty means the time
	// of the reading.
	Since string `yaml:"since" help:"for a table of totals: the day at which the first reading puts what it finds, such as 2024-01-01; the time of the reading unless given"`
	// Most is how much a total may grow from one reading to the next before
	// it is taken for a mistake; zero means ten million.
	Most int64 `yaml:"most" help:"how much a total may grow from one reading to the next before it is taken for a mistake; ten million unless given"`
}

// Columns say where each part of a pageview is found: the name of a column, a
// text with columns in braces such as "/posts/{slug}/", or a constant as in
// "=example.org". Only URL and At, or Total in its place, are needed.
type Columns struct {
	At       string `yaml:"at" help:"when the page was seen"`
	URL      string `yaml:"url,required" help:"the page's path or whole address"`
	Total    string `yaml:"total" help:"for a table of totals: the page's pageviews so far"`
	Host     string `yaml:"host" help:"host name of the page"`
	Title    string `yaml:"title" help:"title of the page"`
	Referrer string `yaml:"referrer" help:"address the visitor came from"`
	Addr     string `yaml:"address" help:"address of the visitor"`
	Agent    string `yaml:"agent" help:"user agent"`
	Visitor  string `yaml:"visitor" help:"what the site knows the visitor by, in place of address and agent"`
	Language string `yaml:"language" help:"language as in Accept-Language"`
	Country  string `yaml:"country" help:"two letters of the country"`
	Browser  string `yaml:"browser" help:"name of the browser, where there is no agent"`
	System   string `yaml:"system" help:"name of the system, where there is no agent"`
	Device   string `yaml:"device" help:"desktop, mobile or tablet, where there is no agent"`
}

// The parts of a pageview, in the order of Columns.
const (
	partAt = iota
	partURL
	partTotal
	partHost
	partTitle
	partReferrer
	partAddr
	partAgent
	partVisitor
	partLanguage
	partCountry
	partBrowser
	partSystem
	partDevice
	parts
)

func (c Columns) all() [parts]string {
	return [parts]string{
		c.At, c.URL, c.Total, c.Host, c.Title, c.Referrer, c.Addr, c.Agent, c.Visitor,
		c.Language, c.Country, c.Browser, c.System, c.Device,
	}
}

// counts tells whether the table keeps totals.
func (c *Config) counts() bool { return c.Columns.Total != "" }

// Check tells what is wrong with the configuration, as far as that can be told
// without the database.
func (c *Config) Check() error {
	_, err := c.read()
	return err
}

// plan is a Config that was read.
type plan struct {
	fields [parts]field
	keys   []string
	names  []string // of the columns to select: the keys first
	time   clock
	since  *pageview.Day
	most   int64
}

// read checks everything that can be told without the database.
func (c *Config) read() (*plan, error) {
	p := &plan{most: cmp.Or(c.Most, 10_000_000)}
	if c.Name == "" || strings.ContainsAny(c.Name, "/\\?*@\x00") || strings.HasPrefix(c.Name, ".") {
		return nil, fmt.Errorf("name %q: it must be a word without any of / \\ ? * @ and not begin with a dot", c.Name)
	}
	if err := database.CheckName(c.Table); err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	var err error
	for i, text := range c.Columns.all() {
		if p.fields[i], err = parseField(text, i == partURL); err != nil {
			return nil, err
		}
	}
	if c.Columns.URL == "" {
		return nil, errors.New("columns: url is missing: name the column that has the page's path or address")
	}
	if p.time, err = newClock(c.Time, c.Zone); err != nil {
		return nil, err
	}
	if c.Most < 0 {
		return nil, fmt.Errorf("most: %d is below zero", c.Most)
	}
	if c.counts() {
		err = p.readCounter(c)
	} else {
		err = p.readRows(c)
	}
	if err != nil {
		return nil, err
	}
	for i := range p.fields {
		f := &p.fields[i]
		for _, name := range f.columns {
			f.index = append(f.index, p.column(name))
		}
	}
	return p, nil
}

func (p *plan) readRows(c *Config) error {
	if len(p.fields[partAt].columns) != 1 || !p.fields[partAt].bare {
		return errors.New("columns: at is missing: name the column that has the time of the pageview")
	}
	if c.Since != "" {
		return errors.New("since is for a table of totals; rows have times of their own")
	}
	for name := range strings.SplitSeq(c.Key, ",") {
		name = strings.TrimSpace(name)
		if err := database.CheckName(name); err != nil {
			return fmt.Errorf("key: name the column that grows from row to row, such as id: %w", err)
		}
		p.keys = append(p.keys, name)
		p.column(name)
	}
	if len(p.keys) > 2 {
		return errors.New("key: one or two columns")
	}
	return nil
}

func (p *plan) readCounter(c *Config) error {
	switch {
	case c.Key != "":
		return errors.New("key: a table of totals has none")
	case c.Columns.At != "":
		return errors.New("columns: a table of totals has no time: leave out at, or total")
	case !p.fields[partTotal].bare:
		return errors.New("columns: total must be a column")
	}
	if c.Since == "" {
		return nil
	}
	at, err := time.Parse(time.DateOnly, c.Since)
	if err != nil {
		return fmt.Errorf("since: %q is not a day such as 2024-01-01", c.Since)
	}
	day := pageview.DayOf(at)
	p.since = &day
	return nil
}

// column has a column selected, and tells its number.
func (p *plan) column(name string) int {
	for i, n := range p.names {
		if n == name {
			return i
		}
	}
	p.names = append(p.names, name)
	return len(p.names) - 1
}
