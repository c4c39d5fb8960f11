package config

import (
	"errors"
	"strings"

	"github.com/beforehand-go/beforehand/declared"
	"github.com/beforehand-go/beforehand/internal/yamlfile"
)

// Report is what the file says of a report of a site's own.
type Report struct {
	Database string   `yaml:"database" help:"name of the database that sql asks, as databases has it"`
	Trigger  Trigger  `yaml:"trigger" help:"when it is computed; that of the site unless given"`
	Timeout  Duration `yaml:"timeout" help:"how long a command or a request may take; 1m unless given. A query has the database's"`
	Publish  string   `yaml:"publish" help:"directory that this report is written to after each refresh, besides that of all"`
	declared.Config
}

// Check refuses what cannot be made.
func (r *Report) Check() error {
	switch {
	case r.SQL != "" && r.Database == "":
		return yamlfile.At("sql", errors.New("name its database"))
	case r.SQL == "" && r.Database != "":
		return yamlfile.At("database", errors.New("it is for sql"))
	}
	return r.Config.Check()
}

// Definition changes when the result may.
func (r *Report) Definition() string {
	return strings.Join([]string{r.Database, r.Config.Definition()}, "\x00")
}

// Job is what the file says of a job without a report.
type Job struct {
	Name    string   `yaml:"name,required" help:"the job's name, for ever"`
	Trigger Trigger  `yaml:"trigger,required" help:"when it is done"`
	Timeout Duration `yaml:"timeout" help:"how long it may take; 1m unless given"`
	declared.Source
}

// Check refuses what cannot be done.
func (j *Job) Check() error {
	if err := CheckName(j.Name); err != nil {
		return yamlfile.At("name", err)
	}
	if j.SQL != "" {
		return yamlfile.At("sql", errors.New("a query without a report has no effect: use run or url"))
	}
	return j.Source.Check()
}
