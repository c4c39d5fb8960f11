package duckdb

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
)

//go:embed schema.sql
var firstSchema string

//go:embed ways.sql
var waysSchema string

//go:embed keep.sql
var keepSchema string

//go:embed logs.sql
var logsSchema string

//go:embed rollups.sql
var rollupsSchema string

//go:embed rate.sql
var rateSchema string

//go:embed scores.sql
var scoresSchema string

//go:embed bots.sql
var botsSchema string

//go:embed stayed.sql
var stayedSchema string

//go:embed spool.sql
var spoolSchema string

// migrations bring a file to the newest version, one step each; the position
// is the version a step leads to, less one. Never edit one that was released.
func migrations() []string {
	return []string{firstSchema, waysSchema, keepSchema, logsSchema, rollupsSchema, stayedSchema, rateSchema, scoresSchema, botsSchema, spoolSchema}
}

// migrate brings the file to the newest version. It refuses a file that a
// newer program made.
func migrate(ctx context.Context, db *sql.DB) error {
	const table = `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)`
	if _, err := db.ExecContext(ctx, table); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	var version int
	row := db.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM schema_version`)
	if err := row.Scan(&version); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	steps := migrations()
	if version > len(steps) {
		return fmt.Errorf("schema version %d is newer than this program, which knows %d: use a newer beforehand", version, len(steps))
	}
	for ; version < len(steps); version++ {
		if err := step(ctx, db, steps[version], version+1); err != nil {
			return fmt.Errorf("migrate to schema version %d: %w", version+1, err)
		}
	}
	return nil
}

func step(ctx context.Context, db *sql.DB, statements string, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO schema_version VALUES (?)`, version); err != nil {
		return err
	}
	return tx.Commit()
}
