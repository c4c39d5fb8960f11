package tables_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/mariadbtest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/tables"
)

// TestTimesOfEachEngine reads the same instant from each type of column that
// keeps one.
func TestTimesOfEachEngine(t *testing.T) {
	const instant = "2026-07-01T10:20:30Z" // 12:20:30 in Paris
	sqlite := func(t *testing.T) (string, *sql.DB) { return newSQLite(t) }
	postgres := func(t *testing.T) (string, *sql.DB) {
		url := pgtest.Start(t, "fsync=off", "timezone=Asia/Tokyo").Database(t)
		return url, dial(t, "pgx", url)
	}
	mariadb := func(t *testing.T) (string, *sql.DB) {
		url := mariadbtest.Start(t).Database(t)
		return url, dial(t, "mysql", strings.NewReplacer("mysql://", "", "@", "@tcp(", "/", ")/").Replace(url))
	}
	for name, engine := range map[string]struct {
		start func(t *testing.T) (string, *sql.DB)
		cases []struct{ kind, value, time string }
	}{
		"sqlite": {sqlite, []struct{ kind, value, time string }{
			{"DATETIME", "'2026-07-01 12:20:30'", ""},
			{"TIMESTAMP", "'2026-07-01 12:20:30.000000'", ""},
			{"TEXT", "'2026-07-01T10:20:30Z'", ""},
			{"TEXT", "'2026-07-01 19:20:30+09:00'", ""},
			{"TEXT", "'01/Jul/2026:19:20:30 +0900'", ""},
			{"TEXT", "'01.07.26, 12.20.30'", "02.01.06, 15.04.05"},
			{"TEXT", "'1 Jul 2026 12:20:30'", "2 Jan 2006 15:04:05"},
			{"INTEGER", "1782901230", ""},
			{"INTEGER", "1782901230000", ""},
			{"DATETIME", "1782901230000000", ""},
			{"REAL", "1782901230.0", "unix"},
			{"TEXT", "'1782901230000'", "unix_ms"},
			{"TEXT", "'1782901230'", ""},
		}},
		"postgres": {postgres, []struct{ kind, value, time string }{
			{"TIMESTAMPTZ", "'2026-07-01 10:20:30Z'", ""},
			{"TIMESTAMP", "'2026-07-01 12:20:30'", ""},
			{"BIGINT", "1782901230000", ""},
			{"NUMERIC", "1782901230.000", ""},
			{"DOUBLE PRECISION", "1782901230", ""},
			{"TEXT", "'2026-07-01 12:20:30'", ""},
		}},
		"mariadb": {mariadb, []struct{ kind, value, time string }{
			{"DATETIME", "'2026-07-01 12:20:30'", ""},
			{"DATETIME(6)", "'2026-07-01 12:20:30'", ""},
			{"TIMESTAMP", "FROM_UNIXTIME(1782901230)", ""},
			{"INT UNSIGNED", "1782901230", ""},
			{"DECIMAL(20,3)", "1782901230", ""},
			{"VARCHAR(50)", "'2026-07-01 12:20:30'", ""},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			url, w := engine.start(t)
			for _, c := range engine.cases {
				exec(t, w, "DROP TABLE IF EXISTS visits")
				exec(t, w, "CREATE TABLE visits (id INTEGER PRIMARY KEY, t "+c.kind+")")
				exec(t, w, "INSERT INTO visits VALUES (1, "+c.value+")")
				table := newTable(t, url, tables.Config{
					Name: "visits", Table: "visits", Key: "id", Time: c.time, Zone: "Europe/Paris",
					Columns: tables.Columns{At: "t", URL: "=/"},
				})
				s := must(t, table)
				if s.First == nil || s.First.UTC().Format(time.RFC3339) != instant {
					t.Errorf("%s %s: %v, %+v", c.kind, c.value, s.First, s)
				}
			}
		})
	}
}
