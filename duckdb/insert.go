package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	driver "github.com/duckdb/duckdb-go/v2"
)

// inserter writes rows into a table. It holds them until flush, which runs a
// statement that is planned once and in which DuckDB reads them from here, as a
// table function. An Appender has its INSERT planned anew at each flush, and that
// is a third of what the commit of a few rows costs.
type inserter[R any] struct {
	table   string
	columns []driver.ColumnInfo
	put     func(r *R, c *cells) // sets the values of a row, in the order of columns
	insert  *sql.Stmt

	rows []R
	next int // position of the first that DuckDB has not read
}

// typedColumn is a column that an inserter writes.
type typedColumn struct {
	name string
	kind driver.Type
}

func newInserter[R any](ctx context.Context, conn *sql.Conn, table string, columns []typedColumn, put func(*R, *cells)) (*inserter[R], error) {
	s := &inserter[R]{table: table, put: put}
	for _, c := range columns {
		kind, err := driver.NewTypeInfo(c.kind)
		if err != nil {
			return nil, err
		}
		s.columns = append(s.columns, driver.ColumnInfo{Name: c.name, T: kind})
	}
	name := "incoming_" + table
	err := driver.RegisterTableUDF(conn, name, driver.ChunkTableFunction{
		BindArguments: func(map[string]any, ...any) (driver.ChunkTableSource, error) { return s, nil },
	})
	if err != nil {
		return nil, err
	}
	s.insert, err = conn.PrepareContext(ctx, fmt.Sprintf(`INSERT INTO %s BY NAME SELECT * FROM %s()`, table, name))
	return s, err
}

// mostHeld is how many rows an inserter keeps memory for when it has none.
const mostHeld = 1 << 16

// flush writes what is held.
func (s *inserter[R]) flush(ctx context.Context) error {
	if len(s.rows) == 0 {
		return nil
	}
	res, err := s.insert.ExecContext(ctx)
	if err != nil {
		return fmt.Errorf("insert into %s: %w", s.table, err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != int64(len(s.rows)) {
		err = fmt.Errorf("%d of %d rows were written", n, len(s.rows))
	}
	if err != nil {
		return fmt.Errorf("insert into %s: %w", s.table, err)
	}
	if s.rows = s.rows[:0]; cap(s.rows) > mostHeld {
		s.rows = nil
	}
	return nil
}

func (s *inserter[R]) close() {
	if s != nil && s.insert != nil {
		s.insert.Close()
	}
}

// ColumnInfos implements driver.ChunkTableSource.
func (s *inserter[R]) ColumnInfos() []driver.ColumnInfo { return s.columns }

// Cardinality implements driver.ChunkTableSource: it is another one each time.
func (s *inserter[R]) Cardinality() *driver.CardinalityInfo { return nil }

// Init implements driver.ChunkTableSource.
func (s *inserter[R]) Init() { s.next = 0 }

// FillChunk implements driver.ChunkTableSource.
func (s *inserter[R]) FillChunk(chunk driver.DataChunk) error {
	c := cells{chunk: chunk}
	n := min(len(s.rows)-s.next, driver.GetDataChunkCapacity())
	for c.row = range n {
		c.column = 0
		s.put(&s.rows[s.next], &c)
		s.next++
	}
	if c.err != nil {
		return c.err
	}
	return chunk.SetSize(n)
}

// cells sets the values of rows of a chunk, one after the other.
type cells struct {
	chunk       driver.DataChunk
	row, column int
	err         error // the first

	day  sharedTime[pageview.Day]
	hour sharedTime[int64]
}

// sharedTime is the time set last, as the driver takes it: the next is mostly the
// same.
type sharedTime[T comparable] struct {
	of    T
	value any
}

// set sets the next value of the row.
func set[T any](c *cells, v T) {
	if err := driver.SetChunkValue(c.chunk, c.column, c.row, v); err != nil && c.err == nil {
		c.err = err
	}
	c.column++
}

func (c *cells) setDay(d pageview.Day) {
	if c.day.value == nil || c.day.of != d {
		c.day = sharedTime[pageview.Day]{d, d.Date(utc)}
	}
	set(c, c.day.value)
}

// setHour sets an instant, in microseconds, that many rows share.
func (c *cells) setHour(at int64) {
	if c.hour.value == nil || c.hour.of != at {
		c.hour = sharedTime[int64]{at, time.UnixMicro(at)}
	}
	set(c, c.hour.value)
}

// seenRow is what rows of both tables begin with. Instants are microseconds since
// 1970.
type seenRow struct {
	seq, visitor uint64
	at           int64
	day          pageview.Day
	page         uint32
	site         uint16
}

func seenColumns() []typedColumn {
	return []typedColumn{
		{"seq", driver.TYPE_UBIGINT},
		{"site", driver.TYPE_USMALLINT},
		{"at", driver.TYPE_TIMESTAMP},
		{"day", driver.TYPE_DATE},
		{"page", driver.TYPE_UINTEGER},
		{"visitor", driver.TYPE_UBIGINT},
	}
}

func (r *seenRow) put(c *cells) {
	set(c, r.seq)
	set(c, r.site)
	set(c, time.UnixMicro(r.at))
	c.setDay(r.day)
	set(c, r.page)
	set(c, r.visitor)
}

// viewRow is a row of the table pageviews.
type viewRow struct {
	seenRow
	hour   int64
	source uint8

	referrer, browser, system, device, bot   uint32
	country, language, referrerPage          uint32
	campaignSource, campaignMedium, campaign uint32
}

func viewColumns() []typedColumn {
	return append(seenColumns(), []typedColumn{
		{"referrer", driver.TYPE_UINTEGER},
		{"browser", driver.TYPE_UINTEGER},
		{"system", driver.TYPE_UINTEGER},
		{"device", driver.TYPE_UINTEGER},
		{"bot", driver.TYPE_UINTEGER},
		{"source", driver.TYPE_UTINYINT},
		{"hour", driver.TYPE_TIMESTAMP},
		{"country", driver.TYPE_UINTEGER},
		{"language", driver.TYPE_UINTEGER},
		{"referrer_page", driver.TYPE_UINTEGER},
		{"campaign_source", driver.TYPE_UINTEGER},
		{"campaign_medium", driver.TYPE_UINTEGER},
		{"campaign", driver.TYPE_UINTEGER},
	}...)
}

func (r *viewRow) put(c *cells) {
	r.seenRow.put(c)
	set(c, r.referrer)
	set(c, r.browser)
	set(c, r.system)
	set(c, r.device)
	set(c, r.bot)
	set(c, r.source)
	c.setHour(r.hour)
	set(c, r.country)
	set(c, r.language)
	set(c, r.referrerPage)
	set(c, r.campaignSource)
	set(c, r.campaignMedium)
	set(c, r.campaign)
}

// stayRow is a row of the table stays.
type stayRow struct {
	seenRow
	seconds uint32
}

func stayColumns() []typedColumn {
	return append(seenColumns(), typedColumn{"seconds", driver.TYPE_UINTEGER})
}

func (r *stayRow) put(c *cells) {
	r.seenRow.put(c)
	set(c, r.seconds)
}
