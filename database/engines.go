package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

func openSQLite(c Config) (*DB, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(c.URL, "sqlite:"), "//")
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open database: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("open database: %s is a directory", path)
	}
	// The path is escaped, so that none of it is read as an option.
	dsn := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() +
		"?mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(10000)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &DB{db: db, engine: engine{
		name:  "SQLite",
		quote: "`", // in double quotes a column that is not there would be a text
		plain: "+",
		tables: `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
			ORDER BY name`,
	}}, nil
}

func openPostgres(c Config) (*DB, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err) // pgx leaves the password out
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET default_transaction_read_only = on; SET TimeZone = 'UTC'")
		return err
	}))
	return &DB{db: db, engine: engine{
		name:   "PostgreSQL",
		quote:  `"`,
		dollar: true,
		zoned:  "TIMESTAMPTZ",
		begin:  "SET LOCAL statement_timeout = %d",
		tables: `SELECT CASE WHEN table_schema = current_schema() THEN table_name ELSE table_schema || '.' || table_name END
			FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
	}}, nil
}

func openMySQL(c Config) (*DB, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.User == nil || len(u.Path) < 2 {
		// The error of Parse would show the password.
		return nil, errors.New("open database: the address must be mysql://USER:PASSWORD@HOST:3306/NAME, with special characters percent-encoded")
	}
	config := mysql.NewConfig()
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr, config.DBName = "tcp", u.Host, u.Path[1:]
	if u.Port() == "" {
		config.Addr += ":3306"
	}
	for key, values := range u.Query() {
		switch key {
		case "socket":
			config.Net, config.Addr = "unix", values[0]
		case "tls":
			config.TLSConfig = values[0]
		default:
			return nil, fmt.Errorf("open database: the address has an unknown parameter %q: allowed are socket and tls", key)
		}
	}
	config.Params = map[string]string{"time_zone": "'+00:00'"} // so that a TIMESTAMP comes in UTC
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &DB{db: sql.OpenDB(connector), engine: engine{
		name:  "MySQL",
		quote: "`",
		zoned: "TIMESTAMP",
		// The first comment is read by MariaDB only, the second by MySQL only.
		// A statement that ends the transaction begins none that may write.
		begin: "SET @beforehand_ms = %d" +
			" /*M!100100 , SESSION max_statement_time = @beforehand_ms / 1000, SESSION tx_read_only = 1 */" +
			" /*!50720 , SESSION max_execution_time = @beforehand_ms, SESSION transaction_read_only = 1 */",
		tables: "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1",
	}}, nil
}
