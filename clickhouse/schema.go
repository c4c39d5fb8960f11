package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed schema.sql
var firstSchema string

// migrations bring a database to the newest version, one step each; the
// position is the version a step leads to, less one. Statements of a step may
// run again, after an interruption or beside another process. A program that
// knows fewer steps is refused, so a step is for what it must not work beside;
// columns that it may leave empty are widened.
func migrations() []string { return []string{firstSchema} }

// newestVersion is what this program can work with: version 2 is written when the
// ledger is condensed.
const newestVersion = 2

// widened are columns that came later, with their types, by table.
var widened = map[string][]string{
	"days": {"spools Array(UInt64)", "blocks Array(UInt64)", "left_out Array(UInt64)"},
}

// shardSuffix ends the name of the table that holds a shard's rows, in a
// cluster.
const shardSuffix = "_shard"

var placeholder = regexp.MustCompile(`\{(raw|engine|replacing):([a-z]+)(?::([a-z]+))?\}`)

// statement fills in what one server or a cluster needs. Raw rows are spread
// over the shards; every server has all of the other tables.
func (c *Config) statement(text, settings string) string {
	text = placeholder.ReplaceAllStringFunc(text, func(p string) string {
		m := placeholder.FindStringSubmatch(p)
		kind, table, by := m[1], m[2], m[3]
		raw := table == "pageviews" || table == "stays"
		engine, path, replica := "MergeTree", "/clickhouse/tables/"+c.database()+"/"+table, "{shard}-{replica}"
		if kind == "replacing" {
			engine = "ReplacingMergeTree"
		}
		if raw {
			path, replica = "/clickhouse/tables/{shard}/"+c.database()+"/"+table, "{replica}"
		}
		switch {
		case kind == "raw" && c.Cluster != "":
			return table + shardSuffix
		case kind == "raw":
			return table
		case c.Cluster != "":
			args := quote(path) + ", " + quote(replica)
			if by != "" {
				args += ", " + by
			}
			return "Replicated" + engine + "(" + args + ")"
		case by != "":
			return engine + "(" + by + ")"
		}
		return engine + "()"
	})
	return strings.NewReplacer("{on}", c.onCluster(), "{settings}", settings).Replace(text)
}

// onCluster has a statement carried out on every server.
func (c *Config) onCluster() string {
	if c.Cluster == "" {
		return ""
	}
	return "ON CLUSTER " + name(c.Cluster)
}

// raw is the table that holds raw rows on a server.
func (c *Config) raw(table string) string {
	if c.Cluster == "" {
		return table
	}
	return table + shardSuffix
}

// spread are the tables that reach over the raw rows of all shards. All rows of
// a block go to one shard, so that an insert stays one.
func (c *Config) spread() (statements []string) {
	if c.Cluster == "" {
		return nil
	}
	for _, table := range []string{"pageviews", "stays"} {
		statements = append(statements, fmt.Sprintf(
			"CREATE TABLE IF NOT EXISTS %s %s AS %s.%s ENGINE = Distributed(%s, %s, %s, sipHash64(spool, block))",
			table, c.onCluster(), name(c.database()), c.raw(table), quote(c.Cluster), quote(c.database()), quote(c.raw(table))))
	}
	return statements
}

// migrate makes the tables. It refuses those that a newer program made.
func (s *server) migrate(ctx context.Context) error {
	c := &s.config
	settings, err := s.durable(ctx)
	if err != nil {
		return err
	}
	const table = `CREATE TABLE IF NOT EXISTS schema_version {on} (version UInt32) ENGINE = {engine:schemaversion} ORDER BY version {settings}`
	if err := s.exec(ctx, c.statement(table, settings)); err != nil {
		return err
	}
	version, err := s.number(ctx, `SELECT toInt64(max(version)) FROM schema_version`)
	if err != nil {
		return err
	}
	steps := migrations()
	if version > newestVersion {
		return fmt.Errorf("schema version %d is newer than this program, which knows %d: use a newer beforehand", version, newestVersion)
	}
	for ; version < int64(len(steps)); version++ {
		statements := append(split(steps[version]), c.spread()...)
		for _, statement := range statements {
			if err := s.exec(ctx, c.statement(statement, settings)); err != nil {
				return fmt.Errorf("migrate to schema version %d: %w", version+1, err)
			}
		}
		if err := s.raise(ctx, version+1); err != nil {
			return err
		}
	}
	for table, columns := range widened {
		if err := s.widen(ctx, table, columns); err != nil {
			return fmt.Errorf("widen table %s: %w", table, err)
		}
	}
	return nil
}

// raise notes that programs which do not know a version must not begin any more.
func (s *server) raise(ctx context.Context, version int64) error {
	n, err := s.number(ctx, `SELECT toInt64(max(version)) FROM schema_version`)
	if err != nil || n >= version {
		return err
	}
	return s.exec(ctx, fmt.Sprintf(`INSERT INTO schema_version (version) SELECT toUInt32(%d)`, version))
}

// widen adds the columns that a table lacks.
func (s *server) widen(ctx context.Context, table string, columns []string) error {
	lacks := func() (lacking []string, err error) {
		there := map[string]bool{}
		query := fmt.Sprintf(`SELECT name FROM system.columns WHERE database = %s AND table = %s`, quote(s.config.database()), quote(table))
		err = s.each(ctx, query, func(scan func(...any) error) error {
			var column string
			err := scan(&column)
			there[column] = true
			return err
		})
		for _, c := range columns {
			if column, _, _ := strings.Cut(c, " "); !there[column] {
				lacking = append(lacking, c)
			}
		}
		return lacking, err
	}
	lacking, err := lacks()
	if err != nil || len(lacking) == 0 {
		return err
	}
	failed := s.exec(ctx, fmt.Sprintf("ALTER TABLE %s %s ADD COLUMN %s", table, s.config.onCluster(), strings.Join(lacking, ", ADD COLUMN ")))
	if lacking, err = lacks(); err == nil && len(lacking) > 0 { // nor did another process add them
		err = failed
	}
	return err
}

// split cuts a step into statements.
func split(step string) (statements []string) {
	var b strings.Builder
	for line := range strings.Lines(step) {
		if line, _, _ = strings.Cut(line, "--"); strings.TrimSpace(line) != "" {
			b.WriteString(line + "\n")
		}
	}
	for s := range strings.SplitSeq(b.String(), ";") {
		if s = strings.TrimSpace(s); s != "" {
			statements = append(statements, s)
		}
	}
	return statements
}

// durable are the settings of a table that have ClickHouse write to the disk
// before it answers, where it can.
func (s *server) durable(ctx context.Context) (string, error) {
	n, err := s.number(ctx, `SELECT toInt64(count()) FROM system.merge_tree_settings WHERE name IN ('fsync_after_insert', 'fsync_part_directory')`)
	if err != nil || n < 2 {
		return "SETTINGS index_granularity = 8192", err
	}
	return "SETTINGS index_granularity = 8192, fsync_after_insert = 1, fsync_part_directory = 1", nil
}
